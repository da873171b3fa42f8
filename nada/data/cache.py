"""Where decoded pictures go: into memory, or, where they are too many, into a file that is mapped into memory."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nada.data.fingerprint import fingerprint
from nada.errors import NadaError
from nada.files import cache_folder, make_folder, read_json, write_error, write_json

_PIXELS, _ABOUT = "pictures.u8", "about.json"
_FORMAT = 2


class Store:
    """Decoded pictures `(size, size, 3)` as they come, with class and caption each, and the names of broken ones."""

    def __init__(self, size: int, array: np.ndarray | None, file: BinaryIO | None = None) -> None:
        self.size, self._array, self._file = size, array, file
        self.labels: list[str | None] = []
        self.texts: list[str | None] = []
        self.skipped: list[str] = []

    @classmethod
    def in_memory(cls, count: int, size: int) -> Store:
        """A store for at most `count` pictures; memory is taken as they come."""
        return cls(size, np.empty((count, size, size, 3), np.uint8))

    def __len__(self) -> int:
        return len(self.labels)

    def add(self, image: np.ndarray, label: str | None, text: str | None) -> None:
        """Append a picture."""
        if self._file is not None:
            self._file.write(np.ascontiguousarray(image).tobytes())
        else:
            assert self._array is not None
            self._array[len(self)] = image
        self.labels.append(label)
        self.texts.append(text)

    def skip(self, name: str) -> None:
        """Note a picture that cannot be decoded."""
        self.skipped.append(name)

    @property
    def images(self) -> np.ndarray:
        """The pictures `(N, size, size, 3)`."""
        assert self._array is not None
        return self._array[: len(self)]


def open_cached(path: Path, options: dict[str, Any], fill: Callable[[Store], None]) -> Store:
    """The decoded pictures of an input: mapped from the cache folder, or decoded into it by `fill` first.

    `options` say how they are decoded, with the side as `size`. What is in the cache folder is always whole: it is
    made in a folder beside and renamed.

    Raises:
        NadaError: if the cache folder cannot be written, is full or is damaged.
    """
    folder = cache_folder() / "datasets" / fingerprint(path, {**options, "decoded": _FORMAT})
    if not (folder / _ABOUT).is_file():
        _build(folder, path, options["size"], fill)
    return _mapped(folder, options["size"])


def _build(folder: Path, path: Path, size: int, fill: Callable[[Store], None]) -> None:
    making = make_folder(folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.tmp"))
    try:
        with open(making / _PIXELS, "wb") as file:
            store = Store(size, None, file)
            fill(store)
            file.flush()
            os.fsync(file.fileno())
        about = {"of": str(path), "size": size, "labels": store.labels, "texts": store.texts, "skipped": store.skipped}
        write_json(making / _ABOUT, about)
        _put(making, folder)
    except OSError as error:
        raise write_error(folder, error) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _put(making: Path, folder: Path) -> None:
    try:
        os.replace(making, folder)
    except OSError:  # no system replaces a folder that is not empty
        if not (folder / _ABOUT).is_file():
            raise  # else another process was faster, as those of one training are


def _mapped(folder: Path, size: int) -> Store:
    about = read_json(folder / _ABOUT)
    shape = (len(about["labels"]), size, size, 3)
    if (folder / _PIXELS).stat().st_size != int(np.prod(shape)):
        raise NadaError(f"the decoded pictures in {folder} are damaged; remove that folder, and they are made again.")
    store = Store(size, np.memmap(folder / _PIXELS, np.uint8, "r", shape=shape))
    store.labels, store.texts, store.skipped = about["labels"], about["texts"], about["skipped"]
    return store
