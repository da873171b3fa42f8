"""What a training leaves for people: grids of pictures and a model card."""

from __future__ import annotations

from typing import Any

import numpy as np

from nada.config import to_json
from nada.config.train import TrainConfig
from nada.data import ImageDataset
from nada.images import make_grid
from nada.models import Generator

COLUMNS = 8
ROWS_WITHOUT_CONDITIONS = 4
MOST_ROWS = 16
MOST_CURVE_ROWS = 12


def sample_grid(generator: Generator) -> np.ndarray:
    """A grid `(H, W, 3)` of the same latents whenever it is called; one row for each class or prompt, 16 at most."""
    conditions = min(generator.config.num_conditions, MOST_ROWS)
    rows = conditions or ROWS_WITHOUT_CONDITIONS
    labels = [row for row in range(rows) for _ in range(COLUMNS)] if conditions else None
    return make_grid(generator.sample(range(rows * COLUMNS), classes=labels), COLUMNS)


def data_grid(data: ImageDataset, prompts: tuple[str, ...] = ()) -> np.ndarray:
    """Pictures of the data laid out as `sample_grid` lays out samples: the same class or prompt in each row."""
    if data.labels is not None:
        rows = [np.flatnonzero(data.labels == label) for label in range(min(len(data.class_names), MOST_ROWS))]
    elif prompts and data.texts is not None:
        texts = np.array(data.texts)
        rows = [np.flatnonzero(texts == prompt) for prompt in prompts[:MOST_ROWS]]
    else:
        rows = np.array_split(np.arange(len(data)), ROWS_WITHOUT_CONDITIONS)
    size = data.images.shape[1]
    tiles = np.full((len(rows), COLUMNS, size, size, 3), 255, np.uint8)
    for tile, row in zip(tiles, rows):
        shown = row[_evenly(len(row), COLUMNS)]
        tile[: len(shown)] = data.images[shown]
    return make_grid(tiles.reshape(-1, size, size, 3), COLUMNS)


def _evenly(length: int, count: int) -> np.ndarray:
    """At most `count` places out of `length`, from the first to the last."""
    return np.linspace(0, length - 1, min(length, count)).round().astype(int)


def model_card(record: dict[str, Any], result: dict[str, Any], picture: str, curve: list[dict[str, float]]) -> str:
    """Markdown that says what was trained, on what, how long, how and how well.

    Args:
        record: what `config.json` holds.
        result: what `result.json` holds.
        picture: path of the grid of samples, from the card.
        curve: lines of the record that have measurements.
    """
    data = record["data"]
    lines = [
        f"# StyleGAN2 generator, {data['size']} px",
        "",
        f"![samples, the same latents whenever the run saves them]({picture})",
        "",
        f"Trained by `nada train` on {data['pictures']} pictures{_doubled(data)} (sha256 of pixels and labels "
        f"`{data['sha256'][:16]}`); {_made_by(record)}.",
        f"{result['kimg']:.1f} thousand pictures were shown in {result['step']} steps; "
        f"{result['seconds'] / 60:.1f} minutes on {result['device']}.",
        f"The weights in `generator/` are a moving average. {result['parameters']:,} parameters.",
        "",
        *_measured(result, curve),
        "## Use",
        "",
        "```bash",
        "nada adapt --generator THIS-FOLDER --source photo --target sketch",
        "```",
        "",
        "## Options",
        "",
        "All others are the defaults; `config.json` has them all.",
        "",
        "| option | value |",
        "|---|---|",
        *(f"| `--{key.replace('_', '-')}` | {value} |" for key, value in _chosen(record["options"]).items()),
        "",
    ]
    return "\n".join(lines)


def _chosen(options: dict[str, Any]) -> dict[str, Any]:
    default = to_json(TrainConfig())
    return {key: value for key, value in options.items() if value is not None and value != default[key]}


def _doubled(data: dict[str, Any]) -> str:
    return " and their mirror images" if data["mirror"] else ""


def _made_by(record: dict[str, Any]) -> str:
    classes = ", ".join(f"{name} ({count})" for name, count in record["data"]["classes"].items())
    if record["data"]["condition"] == "text":
        return f"made to order by captions, as the guide `{record['generator']['text_guide']}` reads them"
    return f"classes: {classes}" if classes else "no classes"


def _measured(result: dict[str, Any], curve: list[dict[str, float]]) -> list[str]:
    """What was measured and how, and the curve thinned out to some rows, the best one among them."""
    facts = result["measured"]
    if not facts or not curve:
        return ["Nothing was measured.", ""]
    name = f"metrics/{facts['distance']}"
    best = min(range(len(curve)), key=lambda row: curve[row][name])
    rows = sorted({best, *_evenly(len(curve), MOST_CURVE_ROWS)})
    accuracy = "metrics/accuracy" in curve[0]
    head = f"| thousand pictures | {facts['distance']} |" + (" accuracy |" if accuracy else "")
    side = "held out from training" if facts["held_out"] else "trained on"
    lines = [
        "## Measured",
        "",
        f"`{facts['distance']}` is the Fréchet distance of {facts['samples']} samples and {facts['pictures']} pictures "
        f"({side}) on the features of the guide `{facts['judge']}`; it is no FID. Smaller is better.",
    ]
    if accuracy:
        lines.append(
            f"The accuracy is how often that guide recognises what a sample was ordered by; "
            f"on the pictures {facts['real_accuracy']:.3f}, by chance {facts['chance']:.3f}."
        )
    elif "unreadable" in facts:
        lines.append(f"That guide cannot read {facts['unreadable']} of the words that samples are ordered by.")
    lines += ["", head, "|---" * (3 if accuracy else 2) + "|"]
    for row in rows:
        marks = "**" if row == best else ""
        values = [f"{curve[row]['progress/kimg']:.1f}", f"{curve[row][name]:.4f}"]
        values += [f"{curve[row]['metrics/accuracy']:.3f}"] if accuracy else []
        lines.append("| " + " | ".join(f"{marks}{value}{marks}" for value in values) + " |")
    return [*lines, "", "The best generator is in `best/`, the last one in `generator/`.", ""]
