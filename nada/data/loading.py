"""From a path to pictures in memory: open the source, decode each picture once, crop and resize it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nada.data.archive import open_archive
from nada.data.dataset import ImageDataset
from nada.data.folder import open_folder
from nada.data.parquet import open_parquet
from nada.data.records import Record, Source
from nada.errors import NadaError
from nada.images import load_image

Progress = Callable[[Iterable[Any], int], Iterable[Any]]


def load_dataset(
    path: str | Path, size: int, include: str | None = None, progress: Progress | None = None
) -> ImageDataset:
    """Read every picture of a folder, zip or parquet file as `size` x `size` uint8, in a fixed order.

    Pictures that cannot be decoded are left out and listed in `skipped`. Picture files are those with a
    picture's suffix; other files are listed in `ignored`.

    Args:
        path: a folder (first-level folders are classes), a `.zip` (with `dataset.json` or class folders), or a
            `.parquet` with a column of encoded pictures.
        size: side in pixels; pictures are centre-cropped to a square and resized with an antialiased filter.
        include: glob pattern on the file name or the path inside the source, as `train-*`.
        progress: wraps the iteration and is told the count, for a bar.

    Raises:
        NadaError: if the source is missing or damaged, or no picture is left.
    """
    source = open_source(path, include)
    records: Iterable[Record] = progress(source.records, source.count) if progress else source.records
    images, labels, skipped = [], [], []
    for record in records:
        try:
            images.append(fit_square(load_image(record.data, record.name), size))
        except NadaError:
            skipped.append(record.name)
            continue
        labels.append(record.label)
    if not images:
        raise NadaError(_nothing_found(path, include, source, len(skipped)))
    return ImageDataset(
        np.stack(images), _number(labels, source.class_names), source.class_names, tuple(skipped), source.ignored
    )


def open_source(path: str | Path, include: str | None = None) -> Source:
    """Open a folder, zip or parquet file without decoding a picture. Raises NadaError where it is none of these."""
    path = Path(path)
    if path.is_dir():
        return open_folder(path, include)
    if not path.is_file():
        raise NadaError(f"there is no data at {path}; give a folder, a .zip or a .parquet file.")
    openers = {".zip": open_archive, ".parquet": open_parquet}
    if path.suffix.lower() not in openers:
        raise NadaError(f"{path} is not data that can be read; give a folder, a .zip or a .parquet file.")
    return openers[path.suffix.lower()](path, include)


def fit_square(image: np.ndarray, size: int) -> np.ndarray:
    """Crop uint8 `(H, W, 3)` to its central square and resize it to `(size, size, 3)`, antialiased (Lanczos)."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    if side == size:
        return np.ascontiguousarray(square)
    return np.asarray(Image.fromarray(square).resize((size, size), Image.Resampling.LANCZOS))


def _number(labels: list[str | None], class_names: tuple[str, ...]) -> np.ndarray | None:
    """Class numbers `(N,)`; None where there are no classes. Raises NadaError for a picture without a class."""
    if not class_names:
        return None
    if None in labels:
        raise NadaError(f"{labels.count(None)} pictures have no class while others do; label them or leave them out.")
    numbers = {name: number for number, name in enumerate(class_names)}
    return np.array([numbers[label] for label in labels if label is not None], dtype=np.int64)


def _nothing_found(path: str | Path, include: str | None, source: Source, skipped: int) -> str:
    if skipped:
        return f"none of the {skipped} pictures in {path} can be decoded."
    fitting = f" that fits {include!r}" if include else ""
    return f"there is no picture{fitting} in {path} ({len(source.ignored)} other files)."
