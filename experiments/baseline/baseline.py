"""Runs the published procedure and ours on the bundled generator, and has the same evaluator look at both.

    python baseline.py --out RUNS                                  # some 25 minutes of one core
    python baseline.py --out RUNS --methods official --seeds 0     # a part of it; several may run beside each other
    python baseline_table.py RUNS                                  # results.json, the tables of README.md, the picture

A cell is one method, one prompt and one seed: `nada adapt`, then `nada evaluate` on the result. Cells that are
finished are kept; one that was interrupted is begun again, so that its seconds are whole.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from nada.adaptation.settings import default_learning_rate
from nada.checkpoints import load_generator
from nada.files import read_json, write_json

PROMPTS = (("image", "minimal logo"), ("photo", "pencil sketch"), ("photo", "anime"))
SEEDS = (0, 1, 2)
PICTURES = 1000
# What each method adds to `nada adapt --source SOURCE --target TARGET --seed SEED`; None adapts nothing.
METHODS: dict[str, tuple[str, ...] | None] = {
    "none": None,
    "official": ("--method", "official"),
    "official-our-lr": ("--method", "official", "--lr", str(default_learning_rate(load_generator("demo").config))),
    "ours": (),
    "ours-no-stop": ("--no-stop",),
    "ours-official-budget": ("--no-stop", "--steps", "300", "--batch", "2"),
}
MAIN = ("none", "official", "ours", "ours-official-budget")
CELL = "cell.json"


def folder_of(out: Path, method: str, target: str, seed: int) -> Path:
    """Where a cell lies."""
    return out / method / target.replace(" ", "-") / f"seed-{seed}"


def command(*words: str) -> float:
    """Run `nada WORDS` and return the seconds of processor time that it took. Raises SystemExit where it fails."""
    before = os.times()
    done = subprocess.run([sys.executable, "-m", "nada", *words], stdout=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"nada {' '.join(words)} ended with {done.returncode}; what is finished is kept.")
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def run_cell(folder: Path, method: str, source: str, target: str, seed: int) -> None:
    """Adapt, evaluate, and write the cell's file last."""
    extra = METHODS[method]
    model, more, seconds, record = "demo", ("--source", source, "--prompt", target), 0.0, {}
    if extra is not None:
        words = ("--source", source, "--target", target, "--seed", str(seed), "--out", str(folder), *extra)
        seconds, more = command("adapt", *words), ()
        run = max(path.parent for path in folder.glob("*/result.json"))
        model, record = str(run), {"config": read_json(run / "config.json"), "result": read_json(run / "result.json")}
    results = folder / "evaluation.json"
    asked = ("--model", model, "--against", "demo", "--num", str(PICTURES), "--json", str(results))
    evaluating = command("evaluate", *asked, *more)
    write_json(folder / CELL, cell(method, source, target, seed, seconds, evaluating, record, read_json(results)))


def cell(
    method: str,
    source: str,
    target: str,
    seed: int,
    seconds: float,
    evaluating: float,
    record: dict[str, Any],
    evaluation: dict[str, Any],
) -> dict[str, Any]:
    """What is kept of a cell: settings, end of the run, times, every score with its own interval, the protocol."""
    scores = evaluation["scores"].items()
    return {
        "method": method,
        "source": source,
        "target": target,
        "seed": seed,
        "settings": record.get("config", {}).get("settings", {}),
        "moving": record.get("config", {}).get("parameters", 0),
        "result": {name: record.get("result", {}).get(name) for name in ("steps", "best_step", "ended", "last_loss")},
        "processor_seconds": {"adapt": round(seconds, 1), "evaluate": round(evaluating, 1)},
        "scores": {key: [score["value"], score["low"], score["high"]] for key, score in scores},
        "doubts": [doubt["text"] for doubt in evaluation["doubts"]],
        "protocol": evaluation["protocol"],
    }


def main() -> None:
    """Run every cell that is not finished, seed by seed, so that a part is already a whole comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--methods", nargs="+", default=list(MAIN), choices=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    arguments = parser.parse_args()
    for seed in arguments.seeds:
        for source, target in PROMPTS:
            for method in arguments.methods:
                folder = folder_of(arguments.out, method, target, seed)
                without_seed = METHODS[method] is None and seed != arguments.seeds[0]
                if without_seed or (folder / CELL).is_file():
                    continue
                run_cell(folder, method, source, target, seed)
                print(f"{method}, {target}, seed {seed}: done", flush=True)


if __name__ == "__main__":
    main()
