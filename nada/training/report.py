"""What a training leaves for people: grids of samples and a model card."""

from __future__ import annotations

import numpy as np

from nada.images import make_grid
from nada.models import Generator

COLUMNS = 8
ROWS_WITHOUT_CLASSES = 4
MOST_CLASSES = 16


def sample_grid(generator: Generator) -> np.ndarray:
    """A grid `(H, W, 3)` of the same latents whenever it is called; with classes, one row each (16 at most)."""
    classes = min(generator.config.num_classes, MOST_CLASSES)
    rows = classes or ROWS_WITHOUT_CLASSES
    labels = [row for row in range(rows) for _ in range(COLUMNS)] if classes else None
    return make_grid(generator.sample(range(rows * COLUMNS), classes=labels), COLUMNS)


def model_card(record: dict, result: dict, picture: str) -> str:
    """Markdown that says what was trained, on what, how long and how; from `config.json` and `result.json`."""
    data, options = record["data"], record["options"]
    classes = ", ".join(f"{name} ({count})" for name, count in data["classes"].items()) or "none"
    chosen = [f"| `--{key.replace('_', '-')}` | {value} |" for key, value in options.items() if value is not None]
    return "\n".join(
        [
            f"# StyleGAN2 generator, {data['size']} px",
            "",
            f"![samples]({picture})",
            "",
            f"Trained by `nada train` on {data['pictures']} pictures (sha256 of pixels and labels "
            f"`{data['sha256'][:16]}`); classes: {classes}.",
            f"{result['kimg']:.1f} thousand pictures were shown in {result['step']} steps; "
            f"{result['seconds'] / 60:.1f} minutes on {result['device']}.",
            f"The weights in `generator/` are a moving average. {result['parameters']:,} parameters.",
            "",
            "No quality has been measured here; `nada evaluate` does that.",
            "",
            "| option | value |",
            "|---|---|",
            *chosen,
            "",
        ]
    )
