"""What is kept here of a study: its tables, its report and a picture, from its folder.

    python claims.py STUDY --name cifar10 --show 'pencil sketch' --rate x0.25

Copies study.csv and report.html to results/NAME*, writes results/NAME.png with the same latents under every policy for one
prompt, rate and the first seed, and results/NAME.md with a table for each learning rate.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))

from report import markdown  # noqa: E402

from nada.files import read_json, write_text  # noqa: E402
from nada.images import label_rows, load_image, save_png  # noqa: E402
from nada.study.statistics import spread  # noqa: E402

NONE = "none"
ORDER = ("none", "blocks", "early", "late", "all", "auto", "affine", "style")
MEASURES = {
    "balance": "balance",
    "projection": "target reached",
    "content": "content kept",
    "recognised": "class recognised",
    "diversity_kept": "diversity kept",
    "colour_noise": "colour noise",
    "one_colour": "one colour",
    "collapsed": "collapsed",
}
LEGEND = (
    "Means over prompts and seeds; ± is Student's 95 % interval over the seeds, each a mean over the prompts. What the columns\n"
    "mean stands in [README.md](../README.md)."
)
Row = dict[str, str]


def read_cells(study: Path) -> list[Row]:
    """The rows of study.csv that have numbers."""
    with open(study / "study.csv", newline="") as file:
        return [row for row in csv.DictReader(file) if row["status"] == "ok"]


def mean_over_pairs(rows: list[Row], measure: str) -> str:
    """Mean and Student's 95 % interval over seeds, where each seed is a mean over its prompt pairs."""
    seeds = {row["seed"] for row in rows}
    pairs = {row["target_prompt"] for row in rows}
    whole = [part for seed in seeds if len(part := [row for row in rows if row["seed"] == seed]) == len(pairs)]
    found = spread([float(np.mean([float(row[measure]) for row in part])) for part in whole])
    if found.mean is None:
        return "–"
    return f"{found.mean:.2f}" if found.reach is None else f"{found.mean:.2f} ± {found.reach:.2f}"


def in_order(policies: Iterable[str]) -> list[str]:
    """Policies as people list them: none, single blocks, early, late, the rest; by number inside."""

    def place(policy: str) -> tuple[int, int]:
        kind = next(number for number, start in enumerate(ORDER) if policy.startswith(start))
        digits = "".join(filter(str.isdigit, policy))
        return kind, int(digits or 0)

    return sorted(policies, key=place)


def table(rows: list[Row], rate: str) -> str:
    """One learning rate: a row for each policy, means over prompts and seeds."""
    chosen = [row for row in rows if row["policy"] == NONE or row["lr"] == rate]
    lines = []
    for policy in in_order({row["policy"] for row in chosen}):
        own = [row for row in chosen if row["policy"] == policy]
        lines.append([f"`{policy}`", *(mean_over_pairs(own, measure) for measure in MEASURES)])
    return "\n".join(markdown(["policy", *MEASURES.values()], lines))


def picture(study: Path, target: str, rate: str) -> np.ndarray:
    """The study's first latents under every policy, for one target, rate and the first seed."""
    strips: dict[str, np.ndarray] = {}
    for file in sorted((study / "cells").glob("*/cell.json")):
        cell = read_json(file)["cell"]
        fits = cell["policy"] == NONE or (cell["rate"] == rate and cell["seed"] == 0)
        if cell["target"] == target and fits:
            strips[cell["policy"]] = load_image(file.parent / "pictures.png")
    names = in_order(strips)
    height = strips[names[0]].shape[0]
    rows = [strips[name].reshape(height, -1, height, 3).swapaxes(0, 1) for name in names]
    return label_rows(rows, ["before" if name == NONE else name for name in names])


def main() -> None:
    """Read a study, write what is kept of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--name", required=True, help="of its files in results/")
    parser.add_argument("--show", required=True, help="target prompt of the picture")
    parser.add_argument("--rate", required=True, help="learning rate of the picture, as it was given: auto, x0.25")
    asked = parser.parse_args()
    results = HERE / "results"
    shutil.copyfile(asked.study / "study.csv", results / f"{asked.name}.csv")
    shutil.copyfile(asked.study / "report.html", results / f"{asked.name}.html")
    save_png(results / f"{asked.name}.png", picture(asked.study, asked.show, asked.rate))
    rows = read_cells(asked.study)
    parts = [f"## Learning rate {float(rate):.3g}\n\n{table(rows, rate)}\n" for rate in rates(rows)]
    write_text(results / f"{asked.name}.md", "\n".join([f"# The study `{asked.name}`\n\n{LEGEND}\n", *parts]))


def rates(rows: list[Row]) -> list[str]:
    """The learning rates of a study, the smallest first."""
    return sorted({row["lr"] for row in rows if row["lr"]}, key=float)


if __name__ == "__main__":
    main()
