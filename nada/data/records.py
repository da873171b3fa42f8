"""What every kind of source yields: one undecoded picture with its name and class."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import NamedTuple

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"))


class Record(NamedTuple):
    """One picture before decoding: its bytes, what to call it in messages, its class and its caption if it has them."""

    name: str
    data: bytes
    label: str | None
    text: str | None = None


class Source(NamedTuple):
    """Pictures yet to be decoded. `class_names` is the order that labels are numbered in; `ignored` are other files."""

    records: Iterator[Record]
    count: int
    class_names: tuple[str, ...]
    ignored: tuple[str, ...] = ()


def is_picture(path: str) -> bool:
    """Whether a file counts as a picture by its name; hidden files and macOS archive litter do not."""
    parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not hidden and PurePosixPath(path).suffix.lower() in SUFFIXES


def is_included(path: str, pattern: str | None) -> bool:
    """Whether a glob pattern (None: everything) fits the file's name or its whole path inside the source."""
    return pattern is None or fnmatch(PurePosixPath(path).name, pattern) or fnmatch(path, pattern)


def class_of(path: str) -> str | None:
    """The class that a path inside a source says: its first folder; None for a file at the top."""
    parts = PurePosixPath(path).parts
    return parts[0] if len(parts) > 1 else None


def classes_of(paths: list[str]) -> tuple[str, ...]:
    """Class names in alphabetical order, or none at all unless every picture has one and there are at least two."""
    found = {class_of(path) for path in paths}
    if None in found or len(found) < 2:
        return ()
    return tuple(sorted(name for name in found if name is not None))
