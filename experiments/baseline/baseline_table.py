"""Turns the cells of `baseline.py` into results.json, the tables of README.md, and the picture beside it.

python baseline_table.py RUNS
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))

from baseline import CELL, METHODS, PROMPTS, folder_of  # noqa: E402
from report import insert, markdown  # noqa: E402

from nada.checkpoints import load_generator  # noqa: E402
from nada.files import read_json, write_bytes, write_json  # noqa: E402
from nada.images import label_rows, save_png  # noqa: E402
from nada.study.statistics import spread  # noqa: E402

Cell = dict[str, Any]
TITLES = {
    "none": "no adaptation",
    "official": "official",
    "official-our-lr": "official, our learning rate",
    "ours": "ours",
    "ours-no-stop": "ours, not stopped",
    "ours-official-budget": "ours, not stopped, official's steps and batch",
}
SCORES = {
    "directional_demo_judge": "direction",
    "clip_t_demo_judge": "CLIP-T",
    "content_demo_judge": "content kept",
    "neighbours_demo_judge": "neighbours kept",
    "diversity_kept_demo_judge": "diversity kept",
    "duplicates_demo_judge": "near duplicates",
}
SHOWN = range(8)
# What all cells of a table share, from a cell's protocol.
SHARED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "the size of the pictures": lambda protocol: protocol["size"],
    "the generator before": lambda protocol: protocol["against"],
    "the judge": lambda protocol: protocol["judge"]["sha256"],
    "the versions of packages": lambda protocol: protocol["environment"]["packages"],
}


def shown(values: list[float], sign: str = "") -> str:
    """Mean ± half the width of Student's 95 % interval; a single value has none."""
    found = spread(values)
    return f"{found.mean:{sign}.3f}" + ("" if found.high is None else f" ± {found.high - found.mean:.3f}")


def read_cells(out: Path) -> list[Cell]:
    """All that are finished, in the order of methods, prompts and seeds."""
    order = {
        (method, target): (row, column) for row, method in enumerate(METHODS) for column, (_, target) in enumerate(PROMPTS)
    }
    cells = [read_json(path) for path in out.glob(f"*/*/*/{CELL}")]
    return sorted(cells, key=lambda cell: (*order[cell["method"], cell["target"]], cell["seed"]))


def of(cells: list[Cell], method: str, target: str | None = None) -> list[Cell]:
    """The cells of a method, and of one prompt."""
    return [cell for cell in cells if cell["method"] == method and target in (None, cell["target"])]


def seed_means(cells: list[Cell], method: str, score: str) -> dict[int, float]:
    """The mean over the prompts for each seed that has all of them: prompts are chosen, seeds are drawn."""
    seeds: dict[int, list[float]] = {}
    for cell in of(cells, method):
        seeds.setdefault(cell["seed"], []).append(cell["scores"][score][0])
    return {seed: statistics.mean(values) for seed, values in seeds.items() if len(values) == len(PROMPTS)}


def whole(cells: list[Cell]) -> list[Cell]:
    """The cells of methods that have been through all prompts with one seed at least; tables are of these."""
    return [cell for cell in cells if seed_means(cells, cell["method"], next(iter(SCORES)))]


def overall_table(cells: list[Cell]) -> list[str]:
    """A row for each method: means over prompts, intervals over seeds; what it took."""
    body = []
    for method, title in TITLES.items():
        own = of(cells, method)
        if not own:
            continue
        numbers = [shown([*seed_means(cells, method, score).values()]) for score in SCORES]
        steps = [cell["result"]["steps"] for cell in own if cell["result"]["steps"]]
        pictures = [cell["result"]["steps"] * cell["settings"]["batch"] for cell in own if cell["result"]["steps"]]
        seconds = statistics.mean(cell["processor_seconds"]["adapt"] for cell in own)
        spent = [from_to(steps), from_to(pictures), f"{seconds:.0f}"] if steps else ["–", "–", "–"]
        body.append([title, str(len({cell["seed"] for cell in own})), *numbers, *spent])
    return markdown(["", "seeds", *SCORES.values(), "steps", "pictures", "seconds"], body)


def from_to(values: list[int]) -> str:
    """One number, or from the least to the largest."""
    return str(values[0]) if len(set(values)) == 1 else f"{min(values)} to {max(values)}"


def prompt_table(cells: list[Cell], source: str, target: str) -> list[str]:
    """A row for each method on one prompt: intervals over seeds."""
    body = []
    for method, title in TITLES.items():
        own = of(cells, method, target)
        if own:
            body.append([title, *(shown([cell["scores"][score][0] for cell in own]) for score in SCORES)])
    return [f"**{source} → {target}**", "", *markdown(["", *SCORES.values()], body)]


def single_table(cells: list[Cell]) -> list[str]:
    """Single runs, seed 0, with the evaluator's own interval, which is over pictures."""
    body = []
    for method, title in TITLES.items():
        for cell in (cell for cell in of(cells, method) if cell["seed"] == 0):
            numbers = ["{:.3f} ({:.3f} to {:.3f})".format(*cell["scores"][score]) for score in list(SCORES)[:4]]
            weights = cell["result"]["best_step"]
            body.append([f"{title}, {cell['target']}", str(weights or "–"), *numbers])
    return markdown(["", "weights of step", *list(SCORES.values())[:4]], body)


def difference_table(cells: list[Cell]) -> list[str]:
    """Each variant less official, seed by seed, with the interval of the mean difference."""
    body = []
    for method in list(TITLES)[2:]:
        row = []
        for score in SCORES:
            one, other = (seed_means(cells, name, score) for name in (method, "official"))
            row.append([one[seed] - other[seed] for seed in one if seed in other])
        if row[0]:
            body.append([f"{TITLES[method]} − official", *(shown(values, "+") for values in row)])
    return markdown(["", *SCORES.values()], body)


def draw(out: Path, cells: list[Cell], path: Path) -> None:
    """The same latents: the source, then each prompt by the published procedure and by ours, seed 0."""
    rows, labels = [load_generator("demo").sample(SHOWN)], ["source"]
    for _, target in PROMPTS:
        for method in ("official", "ours", "ours-official-budget"):
            runs = sorted(folder_of(out, method, target, 0).glob("*/result.json"))
            rows.append(load_generator(runs[-1].parent).sample(SHOWN))
            labels.append(f"{target}: {TITLES[method]}")
    save_png(path, label_rows(rows, labels, scale=2))


def refuse_mixed(cells: list[Cell]) -> None:
    """Raise SystemExit where cells were not all evaluated alike, as after `demo` was replaced: one table holds one protocol."""
    for cell in cells[1:]:
        for what, fact in SHARED.items():
            if fact(cell["protocol"]) != fact(cells[0]["protocol"]):
                one, other = ("{method}, {target}, seed {seed}".format(**some) for some in (cells[0], cell))
                raise SystemExit(f"{one} and {other} differ in {what}; take all cells anew, in an empty folder.")


def summary(cells: list[Cell]) -> Cell:
    """The protocol once, and of each cell what differs. Raises SystemExit where that is not one protocol."""
    refuse_mixed(cells)
    protocol = dict(cells[0]["protocol"])
    for name in ("model", "prompt", "source", "guides", "reference"):
        protocol.pop(name, None)
    return {"protocol": protocol, "cells": [{k: v for k, v in cell.items() if k != "protocol"} for cell in cells]}


def main() -> None:
    """Read the cells, write everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    runs = parser.parse_args().runs
    cells = read_cells(runs)
    write_json(HERE / "results.json", summary(cells))
    draw(runs, cells, HERE / "baseline.png")
    cells = whole(cells)
    sections = [
        "\n".join(["### All prompts", "", *overall_table(cells)]),
        "\n".join(["### Less official", "", *difference_table(cells)]),
        "\n".join(["### Prompt by prompt", "", *sum(([*prompt_table(cells, *pair), ""] for pair in PROMPTS), [])]),
        "\n".join(["### Single runs, seed 0", "", *single_table(cells)]),
    ]
    readme = HERE / "README.md"
    write_bytes(readme, insert(readme.read_text(encoding="utf-8"), sections).encode())


if __name__ == "__main__":
    main()
