"""A made-up study: cells as `nada freeze-study` leaves them, with effects that are known because they were put in."""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from nada.images import save_png
from nada.study.folders import folder_of

BIRD = {"source": "photo", "target": "anime", "classes": ["bird"]}
CAR = {"source": "photo", "target": "pencil sketch", "classes": ["automobile"]}
LOGO = {"source": "image", "target": "minimal logo", "classes": []}
# Of each policy: how much of the direction it reaches, how much content it keeps.
EFFECTS = {
    "blocks:4": (0.22, 0.55), "blocks:8": (0.30, 0.66), "blocks:16": (0.46, 0.80), "blocks:32": (0.38, 0.90),
    "early:2": (0.33, 0.42), "late:1": (0.38, 0.91), "late:2": (0.55, 0.84), "all": (0.61, 0.62),
    "auto:4": (0.57, 0.70), "auto-official:4": (0.52, 0.66), "affine@all": (0.44, 0.78), "style-offset@all": (0.41, 0.82),
}  # fmt: skip


def setup_of(policies: list[str], pairs: list[dict[str, Any]], lrs: list[float], seeds: list[int]) -> dict[str, Any]:
    """The setup as the runner hands it over."""
    return {
        "pairs": pairs, "policies": ["none", *policies], "lrs": lrs, "seeds": seeds, "steps": 60, "batch": 4,
        "generator": "demo-cifar10", "guide": "demo", "judge": "demo-judge", "blocks": ["b4", "b8", "b16", "b32"],
        "versions": {"nada": "0.1.0", "torch": "2.13.0"},
    }  # fmt: skip


def cell_of(
    policy: str, pair: dict[str, Any], lr: float | None, seed: int | None, error: str | None = None, **measures: float
) -> dict[str, Any]:
    """One `cell.json`, with the numbers given and plain ones for the rest."""
    trained = {"lr": lr, "rate": None if lr is None else f"{lr:g}", "seed": seed, "steps": 0 if lr is None else 60}
    at = {"policy": policy, **pair, **trained}
    whole = {"direction": 0.5, "projection": 0.4, "target": 0.2, "content": 0.8, "diversity": 0.3, "diversity_kept": 0.9,
             "colour_noise": 0.01, "one_colour": 0.0, "collapsed": 0.0, "parameters": 1000}  # fmt: skip
    numbers = {} if error else {**whole, **measures}
    seconds = {"adapt": 9.5, "measure": 1.5}
    return {"format": 1, "settings": "0" * 64, "cell": at, "measures": numbers, "seconds": seconds, "error": error}


def made_up(
    policies: list[str] | None = None,
    pairs: list[dict[str, Any]] | None = None,
    lrs: tuple[float, ...] = (0.002, 0.006, 0.02),
    seeds: tuple[int, ...] = (0, 1, 2),
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A whole study: cells and setup. Larger rates reach more and keep less; the seed moves all policies alike."""
    policies, pairs = policies or list(EFFECTS), pairs or [BIRD, CAR, LOGO]
    cells = [cell_of("none", pair, None, None, direction=0.0, projection=0.0, content=1.0, parameters=0) for pair in pairs]
    for pair in pairs:
        for policy in policies:
            cells += [_cell(policy, pair, lr, seed, lrs.index(lr)) for lr in lrs for seed in seeds]
    return cells, setup_of(policies, pairs, list(lrs), list(seeds))


def _cell(policy: str, pair: dict[str, Any], lr: float, seed: int, rank: int) -> dict[str, Any]:
    chance = random.Random(f"{policy} {pair['target']} {lr} {seed}")
    common = 0.03 * random.Random(f"{pair['target']} {seed}").gauss(0, 1)
    reached, kept = EFFECTS[policy]
    direction = reached * (0.75, 1.0, 1.05)[rank] + common + chance.gauss(0, 0.012)
    content = 1 - (1 - kept) * (0.6, 1.0, 1.6)[rank] + common / 2 + chance.gauss(0, 0.01)
    early = policy in ("blocks:4", "early:2") and rank == 2
    known = {"recognised": max(0.0, 1.1 * content - 0.15)} if pair["classes"] else {}
    return cell_of(
        policy, pair, lr, seed, direction=direction, content=content, projection=0.9 * direction, collapsed=float(early),
        diversity_kept=0.2 if early else 0.6 + kept / 3, colour_noise=0.002 + 0.03 * (1 - kept) * rank,
        one_colour=0.7 if early else 0.02, parameters=10_000 + 1234 * len(policy), **known,
    )  # fmt: skip


def write_folders(out: Path, cells: list[dict[str, Any]], side: int = 32, latents: int = 8, steps: int = 60) -> None:
    """The folders of all good cells, with pictures and curves."""
    for cell in cells:
        if cell["error"] is not None:
            continue
        folder = folder_of(out, cell)
        folder.mkdir(parents=True)
        (folder / "cell.json").write_text(json.dumps(cell))
        rng = np.random.default_rng(zlib.crc32(folder.name.encode()))
        rows = np.linspace(0, 255, side)[:, None, None] * np.ones((side, side * latents, 3))
        tint = rng.uniform(0.4, 1.0, 3)
        save_png(folder / "pictures.png", np.uint8((rows * tint + rng.uniform(0, 20, rows.shape)) / 2 + 60))
        if cell["cell"]["policy"] != "none":
            lines = [
                {"step": step, "loss/total": 1 / (1 + step / 9), "edit_length/demo": 1 - 1 / (1 + step / 20)}
                for step in range(1, steps + 1)
            ]
            (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
