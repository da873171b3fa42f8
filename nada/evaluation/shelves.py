"""Features of many pictures: rows that come block by block, lie in files where they are many, and are read from there.

Three sets of 50,000 pictures with 2048 numbers each are 1.2 GB. Mapped from files, the system keeps in memory as much of
them as there is room for.
"""

from __future__ import annotations

import os
import re
import tempfile
import warnings
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import DTypeLike

from nada.errors import NadaError
from nada.files import (
    UNUSED,
    cache_folder,
    clear_unfinished,
    idle_seconds,
    make_folder,
    read_json,
    replacing,
    write_error,
    write_json,
)

UNFINISHED = 86400  # seconds after which a write into the cache folder was never finished
_KEPT = re.compile(r"[0-9a-f]{64}\.(npy|npz|json)")  # by `store`, .npz by earlier versions; weights lie beside them
IN_MEMORY = 64 * 2**20  # bytes; more goes to a file
CHUNK = 4096  # rows


@dataclass
class Seen:
    """What was seen of a set of pictures: `features[tag] (N, D)` float32, the same pictures in the same rows.

    Under torchrun the first process alone has features.
    """

    count: int
    features: dict[str, np.ndarray] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


def features_folder() -> Path:
    """Where features lie, of references for the next time and of all pictures while they are needed."""
    return cache_folder() / "features"


class Shelf:
    """Takes rows `(n, *shape)` as they come, features or pictures. What is too much for memory goes to a nameless file."""

    def __init__(self, shape: tuple[int, ...], kind: DTypeLike = np.float32) -> None:
        self._shape, self._kind, self._held = shape, kind, 0
        self._parts: list[np.ndarray] = []
        self._file: IO[bytes] | None = None

    def add(self, rows: np.ndarray) -> None:
        """Take some more rows. Raises NadaError where the disk has no room for them."""
        self._parts.append(np.ascontiguousarray(rows, dtype=self._kind))
        self._held += rows.nbytes
        if self._held > IN_MEMORY:
            self._put_away()

    def rows(self) -> np.ndarray:
        """All rows `(N, *shape)`, to be read only; call it once."""
        if self._file is None:
            return np.concatenate([np.empty((0, *self._shape), self._kind), *self._parts])
        self._put_away()
        with self._file:  # what is mapped outlives the file
            return np.memmap(self._file, self._kind, "r").reshape(-1, *self._shape)

    def _put_away(self) -> None:
        try:
            if self._file is None:
                self._file = _nameless_file()
            for part in self._parts:
                self._file.write(part.data)
            self._file.flush()
        except OSError as error:
            raise _no_room(error) from error
        self._parts, self._held = [], 0


def _nameless_file() -> IO[bytes]:
    """A file that goes when it is closed: in the cache folder, or where the system has its temporary files."""
    try:
        return tempfile.TemporaryFile(dir=make_folder(features_folder()))
    except (NadaError, OSError):
        return tempfile.TemporaryFile()


def _no_room(error: OSError) -> NadaError:
    return NadaError(f"{str(write_error(features_folder(), error)).rstrip('.')} with NADA_CACHE.")


def store(key: str, seen: Seen) -> Seen:
    """Leave what one extractor saw in the cache folder under `key`, and return it as it is read from there.

    Where the folder cannot be written, that is a warning, and what was seen is returned as it came.
    """
    try:
        _write(features_folder() / f"{key}.npy", seen)
    except NadaError as error:
        problem = error.__cause__
        found = load(key)  # another evaluation may have left the same; Windows replaces no file that it reads
        if found is None and isinstance(problem, OSError):
            _warn(f"What was seen is not kept for the next time: {_no_room(problem)}")
        return found or seen
    found = load(key)
    _tidy()
    return found or seen


def _write(path: Path, seen: Seen) -> None:
    ((tag, features),) = seen.features.items()
    with replacing(path) as temporary, open(temporary, "xb") as file:
        np.save(file, features)
    facts = {"tag": tag, "rows": seen.count, "crc32": _checksum(features), "skipped": seen.skipped}
    write_json(path.with_suffix(".json"), facts)  # after the numbers: where it is, they are


@cache
def _warn(text: str) -> None:
    """Once, however many extractors there are."""
    warnings.warn(text, UserWarning, stacklevel=4)


def load(key: str) -> Seen | None:
    """What the cache folder has under `key`, mapped into memory; None where that is nothing, or nothing whole."""
    path = features_folder() / f"{key}.npy"
    try:
        facts = read_json(path.with_suffix(".json"))
        features = np.lib.format.open_memmap(path, mode="r")
        if len(features) != facts["rows"] or _checksum(features) != facts["crc32"]:
            return None
        seen = Seen(len(features), {facts["tag"]: features}, tuple(facts["skipped"]))
    except (NadaError, OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    for used in (path, path.with_suffix(".json")):
        with suppress(OSError):  # others may share a cache without the right to change it
            os.utime(used)
    return seen


def _tidy() -> None:
    """Remove what nobody has asked for in 60 days, and what is left of writes that were never finished."""
    with suppress(OSError):
        for path in features_folder().iterdir():
            with suppress(OSError):  # another process was quicker, or Windows keeps what somebody reads
                if _KEPT.fullmatch(path.name) and idle_seconds(path) > UNUSED:
                    path.unlink()
        clear_unfinished(features_folder(), lambda name: bool(_KEPT.fullmatch(name)), UNFINISHED)


def _checksum(features: np.ndarray) -> int:
    value = 0
    for start in range(0, len(features), CHUNK):
        value = zlib.crc32(np.ascontiguousarray(features[start : start + CHUNK]), value)
    return value
