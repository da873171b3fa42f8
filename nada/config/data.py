"""The options of `nada data import` and `nada data inspect`. Importing this loads no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from nada.config.fields import option


@dataclass(frozen=True)
class ReadingConfig:
    """Which pictures, and where their classes and captions are."""

    include: str | None = option(
        None,
        section="Reading",
        help="Glob pattern on a picture's name or its path in the data, as 'train-*' or 'train/*'.  [default: all]",
    )
    class_from: str = option(
        "auto",
        choices=("auto", "folder", "last-folder", "column", "none"),
        help="Classes: what the data says itself (column: dataset.json, a parquet column, CIFAR) or else its folders; "
        "folder: the first one (below train, test and what all share); last-folder: the one that holds the picture.",
    )
    image_column: str | None = option(None, help="Parquet: column of pictures, if it has no usual name.")
    label_column: str | None = option(None, help="Parquet: column of classes, if it has no usual name.")
    text_column: str | None = option(None, help="Parquet: column of captions, if it has no usual name.")

    def reading(self) -> dict[str, Any]:
        """These options alone, as the fields of `nada.data.records.Reading`."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(ReadingConfig)}


@dataclass(frozen=True)
class ImportConfig(ReadingConfig):
    """What is made of the pictures, and how."""

    size: int = option(256, section="Result", help="Side of the pictures in pixels; nada train needs a power of two.")
    fit: str = option(
        "crop", choices=("crop", "pad", "stretch"), help="Make a square: cut the centre out, add borders, or distort."
    )
    background: str = option("white", help="Colour of borders and of what is transparent: white, #102030, ...")
    limit: int | None = option(None, help="Only the first N pictures.  [default: all]")
    skipped: str | None = option(None, help="Write names and reasons of pictures that were left out to this file.")
    force: bool = option(False, alias="overwrite", help="Replace OUT.zip if it exists.")
    workers: int | None = option(None, help="Threads; the result is the same with any number.  [default: one per processor]")


@dataclass(frozen=True)
class InspectConfig(ReadingConfig):
    """What is shown of the pictures, and where."""

    html: str | None = option(
        None,
        section="Result",
        help="Write one page with interactive charts and example pictures; it needs no network and no server.",
    )
    as_json: bool = option(False, flag="json", help="Print everything as JSON instead of a summary.")
    near: int = option(8, help="Near duplicates: how many of 64 bits two perceptual hashes may differ in, 0 to 11.")
    samples: int = option(48, help="Random pictures to show, 1 to 500.")
    seed: int = option(0, help="Decides which pictures are shown.")
