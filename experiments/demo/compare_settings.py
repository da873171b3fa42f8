"""Which settings of `nada adapt` give visible edits that keep the object? Runs them, measures, and draws a sheet.

    python compare_settings.py --out results/settings --steps 200

Every row is one setting, every prompt the same latents. What counts is what `demo-judge` sees, which has no part in
the guiding: how far the pictures went along its own direction from source to target (projection), how much of the
object is left (content, a cosine), and how different the pictures still are (diversity, 1 is as the source).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from nada.adaptation import Adaptation, Settings, Watch, default_learning_rate, published_settings
from nada.allocator import tune_allocator
from nada.checkpoints import load_generator
from nada.clip import Guide
from nada.images import label_rows, save_png
from nada.models import Generator

PROMPTS = ("minimal logo", "pencil sketch", "pixel art", "anime", "neon sign", "oil painting")
GUIDE_FIELDS = ("augment", "views", "projection_weight", "projection_target", "edit_floor", "templates", "antialias")
# Noise strengths move in all rows but one; that row became the default.
LATE = {"layers": "conv+affine+bias+noise@late:2"}
SHARED = {**LATE, "augment": "shared"}
ROWS: dict[str, dict[str, object]] = {
    "plain": LATE,
    "shared views": SHARED,
    "independent views": {**LATE, "augment": "independent"},
    "independent noise": {**SHARED, "noise": "independent"},
    "hinge": {**SHARED, "projection_weight": 1.0},
    "no floor": {**SHARED, "edit_floor": 1e-8},
    "lr x2": {**SHARED, "lr": 2.0},
    "lr /2": {**SHARED, "lr": 0.5},
    "EMA 0.95": {**SHARED, "ema": 0.95},
    "noise strengths frozen": {**SHARED, "layers": "late:2"},
    "with toRGB": {**SHARED, "layers": "conv+affine+bias+noise+torgb@late:2"},
    "late:3": {**SHARED, "layers": "conv+affine+bias+noise@late:3"},
    "all": {**SHARED, "layers": "conv+affine+bias+noise+const@all"},
    "official": {"method": "official", "templates": "official", "antialias": False, "edit_floor": 1e-8},
}  # fmt: skip


def measure(generator: Generator, prompt: str, row: dict[str, object], steps: int, seed: int) -> dict[str, object]:
    """Adapt with one setting and return what guide and judge say at the end, with sample pictures."""
    options = {key: value for key, value in row.items() if key in GUIDE_FIELDS}
    guide = Guide(["demo"], "photo", prompt, **options)
    rest = {key: value for key, value in row.items() if key not in GUIDE_FIELDS and key not in ("lr", "method")}
    if "method" in row:
        settings = published_settings(**rest, seed=seed)
    else:
        rate = default_learning_rate(generator.config) * row.get("lr", 1.0)
        settings = Settings(**rest, steps=steps, seed=seed, lr=rate)
    adaptation = Adaptation(generator, guide, settings)
    watch = Watch(adaptation, Guide(["demo-judge"], "photo", prompt), patience=10**6)
    started, curve = time.perf_counter(), []
    while adaptation.step < adaptation.settings.steps:
        report = adaptation.advance()
        if report.step % 20 == 0:
            curve.append(round(watch.look()["judge/projection"], 3))
    numbers = {**watch.look(), **report.scalars, "best_step": watch.best_step, "curve": curve}
    numbers["seconds"] = time.perf_counter() - started
    return {"numbers": numbers, "pictures": adaptation.adapted_generator().sample(range(8))}


def main() -> None:
    """Run all rows, or those that are named, and write `table.md`, `results.json` and one sheet per prompt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prompts", nargs="+", default=PROMPTS)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS))
    arguments = parser.parse_args()
    tune_allocator()
    generator = load_generator("demo")
    results: dict[str, dict[str, dict[str, float]]] = {}
    for prompt in arguments.prompts:
        rows, labels = [generator.sample(range(8))], ["source"]
        for name in arguments.rows:
            outcome = measure(generator, prompt, ROWS[name], arguments.steps, arguments.seed)
            numbers = results.setdefault(name, {})[prompt] = outcome["numbers"]
            rows.append(outcome["pictures"])
            labels.append(f"{name}: judge {numbers['judge/projection']:.2f}, content {numbers['judge/content']:.2f}")
            print(prompt, "|", labels[-1], "|", f"{numbers['seconds']:.0f} s", numbers["curve"], flush=True)
        save_png(arguments.out / f"{prompt.replace(' ', '-')}.png", label_rows(rows, labels, scale=2))
    (arguments.out / "results.json").write_text(json.dumps(results, indent=1))
    (arguments.out / "table.md").write_text(table(results))


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Means over the prompts as Markdown."""
    columns = ("judge/projection", "judge/cosine", "judge/content", "judge/diversity", "edit_length/demo")
    lines = ["| setting | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, prompts in results.items():
        means = [np.mean([numbers[column] for numbers in prompts.values()]) for column in columns]
        lines.append(f"| {name} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
