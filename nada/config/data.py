"""The options of `nada data import`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option


@dataclass(frozen=True)
class ImportConfig:
    """How large, which pictures, what they are called."""

    size: int = option(256, help="Side of the pictures in pixels; nada train needs a power of two.")
    fit: str = option(
        "crop", choices=("crop", "pad", "stretch"), help="Make a square: cut the centre out, add borders, or distort."
    )
    background: str = option("white", help="Colour of borders and of what is transparent: white, #102030, ...")
    include: str | None = option(None, help="Glob pattern: only pictures whose name or path fits, as 'train/*'.")
    limit: int | None = option(None, help="Only the first so many pictures.")
    class_from: str = option(
        "auto",
        choices=("auto", "folder", "last-folder", "column", "none"),
        help="Classes: what the data says itself (column: dataset.json, a parquet column, CIFAR) or else its folders; "
        "folder: the first one (below train, test and what all share); last-folder: the one that holds the picture.",
    )
    image_column: str | None = option(None, help="Parquet: column of pictures, if it has no usual name.")
    label_column: str | None = option(None, help="Parquet: column of classes, if it has no usual name.")
    text_column: str | None = option(None, help="Parquet: column of captions, if it has no usual name.")
    workers: int | None = option(None, help="Threads; one per processor if not given. The result is the same.")
    skipped: str | None = option(None, help="Write names and reasons of pictures that were left out to this file.")
    force: bool = option(False, help="Replace OUT.zip where it is there already.")
