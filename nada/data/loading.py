"""From a path to pictures to train on: open the source, decode each picture once, crop and resize it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from nada.data.cache import Store, open_cached
from nada.data.classes import stray_note
from nada.data.dataset import ImageDataset
from nada.data.decoding import decode, in_order, without_warnings
from nada.data.fitting import Fit
from nada.data.records import Progress, Record, Source, inside
from nada.data.sources import check_classes, nothing_left, open_source
from nada.errors import NadaError

MAX_IN_MEMORY = 2 << 30  # bytes of decoded pictures; more go to a file in the cache folder


def load_dataset(path: str | Path, size: int, include: str | None = None, progress: Progress | None = None) -> ImageDataset:
    """Read every picture of a source as `size` x `size` uint8, in a fixed order, with classes and captions.

    Pictures that cannot be decoded are left out and listed in `skipped`. Picture files are those with a picture's
    suffix; other files are listed in `ignored`. Where any picture has a caption, `texts` has one for each, "" where
    there is none.

    More than 2 GiB of decoded pictures are not held in memory: they are decoded once, to a file in the cache folder
    (`$NADA_CACHE`, below `datasets/`), which later calls with the same input find again; `images` is a map of it.

    Args:
        path: a folder, a `.zip`, a `.parquet` file or a folder of them, CIFAR-10's published archive.
        size: side in pixels; pictures are centre-cropped to a square and resized with an antialiased filter.
        include: glob pattern on the file name or the path inside the source, as `train-*`.
        progress: wraps the iteration and is told the count, for a bar.

    Raises:
        NadaError: if the source is missing or damaged, no picture is left, or some have a class and others none.
    """
    path, fit = Path(path), Fit(size)
    source = open_source(path, include)
    check_classes(source, path)

    def fill(store: Store) -> None:
        records: Iterable[Record] = progress(source.records, source.count) if progress else source.records
        with without_warnings():
            for record, result in in_order(lambda record: decode(record, fit), records, result_bytes=fit.bytes):
                if isinstance(result, NadaError):
                    store.skip(inside(record.name, path))
                else:
                    store.add(result, record.label, record.text)
        if not len(store):
            raise nothing_left(path, include, source, store.skipped)

    if source.count * fit.bytes <= MAX_IN_MEMORY:
        store = Store.in_memory(source.count, size)
        fill(store)
    else:
        store = open_cached(path, {"size": size, "include": include}, fill)
    return _dataset(store, source)


def _dataset(store: Store, source: Source) -> ImageDataset:
    texts = tuple(text or "" for text in store.texts) if any(store.texts) else None
    labels, names, note = None, source.class_names, ""
    if source.stray and None in store.labels:
        names, note = (), stray_note(source, store.skipped)
    if names:
        numbers = {name: number for number, name in enumerate(names)}
        labels = np.array([numbers[label] for label in store.labels if label is not None], dtype=np.int64)
    return ImageDataset(store.images, labels, names, tuple(store.skipped), source.ignored, texts, note=note)
