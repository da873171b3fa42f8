"""The pictures that a card shows."""

from __future__ import annotations

import json

import numpy as np

from nada.images import encode_png, from_uint8, load_image, make_grid, resize, to_uint8
from nada.models import Generator
from nada.sharing.source import BEFORE_AFTER, PREVIEW, Source

SAMPLES = "samples.png"
COLUMNS = 8
LARGEST_TILE = 128
_ROWS, _ROWS_OF_LARGE = 8, 2
_LARGE = 512


def rows_of(generator: Generator) -> int:
    """How many rows of samples there are: one for each class or prompt, few for generators that are slow."""
    most = _ROWS_OF_LARGE if generator.config.resolution >= _LARGE else _ROWS
    return min(generator.config.num_conditions or _ROWS // 2, most)


def sample_sheet(generator: Generator) -> np.ndarray:
    """Seeds 0, 1, … without truncation, one row for each class or prompt; uint8 `(H, W, 3)`, tiles of at most 128 px."""
    rows = rows_of(generator)
    labels = [row for row in range(rows) for _ in range(COLUMNS)] if generator.config.num_conditions else None
    pictures = generator.sample(range(rows * COLUMNS), classes=labels)
    if generator.config.resolution > LARGEST_TILE:
        pictures = to_uint8(resize(from_uint8(pictures), LARGEST_TILE, "area"))
    return make_grid(pictures, COLUMNS)


def describe_sheet(generator: Generator) -> str:
    """The caption of `sample_sheet`."""
    config, rows = generator.config, rows_of(generator)
    caption = f"Seeds 0 to {rows * COLUMNS - 1}, no truncation"
    names = (config.class_names or config.prompts)[:rows]
    if names:
        return f"{caption}; the rows are {', '.join(names)}."
    return f"{caption}; one {'class' if config.num_classes else 'prompt'} a row." if config.num_conditions else f"{caption}."


def draw_pictures(source: Source) -> dict[str, bytes]:
    """Return the PNG files of a card by name; their metadata has the run's options without paths."""
    pictures = {}
    options = {"nada": json.dumps(source.record.get("options", {}), sort_keys=True)}
    for name in (BEFORE_AFTER, PREVIEW):
        if source.folder and source.base and (source.folder / name).is_file():
            pictures[name] = encode_png(load_image(source.folder / name), options)
    pictures[SAMPLES] = encode_png(sample_sheet(source.generator), options)
    return pictures
