"""What every kind of source yields: one undecoded picture with its name, class and caption."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from nada.errors import NadaError

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".ppm"))
CLASS_FROM = ("auto", "folder", "last-folder", "column", "none")

Progress = Callable[[Iterable[Any], int], Iterable[Any]]  # wraps an iteration and is told the count, for a bar


class Record(NamedTuple):
    """One picture before decoding: its bytes, what to call it in messages, its class and its caption if it has them.

    `problem` says why there are no bytes, where the source could not give any.
    """

    name: str
    data: bytes
    label: str | None
    text: str | None = None
    problem: str | None = None


class Skipped(NamedTuple):
    """A picture that is left out, and why."""

    name: str
    reason: str


class Source(NamedTuple):
    """Pictures yet to be decoded.

    `records` begins at the picture asked for, `count` is of all. `class_names` is the order that labels are numbered
    in; `unlabelled` counts pictures without a class among others with one. `ignored` are files that are no pictures.
    `stray` names pictures without a class of which not one may be readable if the classes are to hold.
    """

    records: Iterator[Record]
    count: int
    class_names: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    unlabelled: int = 0
    stray: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """How to read a source.

    Attributes:
        include: glob pattern on the file name or the path inside the source; None takes everything.
        class_from: `auto` takes what the data says itself, else its folders; `column` and `folder` ask for one of
            them, `last-folder` for the folder that directly holds a picture; `none` leaves pictures without a class.
        image_column: parquet column of encoded pictures; None finds it.
        label_column: parquet column of classes; None finds it.
        text_column: parquet column of captions; None finds it.
        start: the first picture to read; those before it are passed over without reading them, where possible.
    """

    include: str | None = None
    class_from: str = "auto"
    image_column: str | None = None
    label_column: str | None = None
    text_column: str | None = None
    start: int = 0

    @property
    def stored_classes(self) -> bool:
        """Whether classes that the data itself names shall be used."""
        return self.class_from in ("auto", "column")


def inside(name: str, where: str | Path) -> str:
    """A picture's name without the place of its source, which is another one on every machine."""
    return name.removeprefix(f"{where}:")


def left_out(name: str, error: NadaError, where: str | Path) -> Skipped:
    """What to note of a picture that cannot be read: neither name nor reason has the place of the source."""
    reason = str(error).removeprefix(f"{name} ").rstrip(".")
    return Skipped(inside(name, where), re.sub(rf"(?<!\S){re.escape(str(where))}[:/\\]", "", reason))


def is_picture(path: str) -> bool:
    """Whether a file counts as a picture by its name; hidden files and macOS archive litter do not."""
    stem, _, suffix = path.rpartition("/")[2].rpartition(".")
    if not stem or f".{suffix.lower()}" not in SUFFIXES:
        return False
    return not any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))


def is_included(path: str, pattern: str | None) -> bool:
    """Whether a glob pattern (None: everything) fits the file's name or its whole path inside the source."""
    return pattern is None or fnmatch(path.rpartition("/")[2], pattern) or fnmatch(path, pattern)
