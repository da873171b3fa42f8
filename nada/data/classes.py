"""Which class a picture has, from the folders it lies in."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from nada.data.records import Reading, Source
from nada.data.wording import plural, printable
from nada.errors import UsageError

# Folders that divide a data set rather than name what is shown.
SPLITS = frozenset("train training test testing val valid validation dev".split())


class Classes(NamedTuple):
    """The class of each picture by the picture's name, and the class names in the order of their numbers.

    `stray` are pictures in none of the folders that most lie in; if one of them can be read, there are no classes.
    """

    of: Mapping[str, str | None]
    names: tuple[str, ...]
    stray: tuple[str, ...] = ()

    def missing(self, pictures: Iterable[str]) -> int:
        """How many of the pictures have no class although there certainly are classes."""
        return sum(self.of.get(name) is None for name in pictures) if self.names and not self.stray else 0


NO_CLASSES = Classes({}, ())


def folder_classes(names: list[str], reading: Reading, where: str) -> Classes:
    """Classes from paths inside a source, in alphabetical order.

    The class is the first folder below those that all pictures share, and below train, test and the like, so that
    `class/a.png`, `fruits/class/a.png` and `train/class/more/a.png` are all understood; `last-folder` takes the folder
    that holds the picture. Where most pictures have none, or all have the same, there are no classes; where a few have
    none, those are `stray`. Either is a UsageError where folders were asked for.
    """
    if reading.class_from not in ("auto", "folder", "last-folder"):
        return NO_CLASSES
    folders = [PurePosixPath(name).parent.parts for name in names]
    depth = -1 if reading.class_from == "last-folder" else _depth(folders)
    labels = [parts[depth] if len(parts) > max(depth, 0) else None for parts in folders]
    found = {label for label in labels if label is not None}
    stray = tuple(name for name, label in zip(names, labels) if label is None)
    auto = reading.class_from == "auto"
    if len(found) > 1 and (not stray or (auto and _few(len(stray), len(names)))):
        return Classes(dict(zip(names, labels)), tuple(sorted(found)), stray)
    if auto:
        return NO_CLASSES
    cause = f"{stray[0]} is in none" if stray and found else "there are not two of them"
    raise UsageError(f"the folders in {where} give no classes: {cause}; use --class-from none, or sort the pictures.")


def stray_note(source: Source, skipped: Collection[str]) -> str:
    """Why a source of which a stray picture could be read has no classes; `skipped` names those that could not."""
    stray = [printable(name) for name in source.stray if name not in skipped]
    count = len(stray) - 1
    which = f"{stray[0]} and {plural(count, 'more picture')} lie" if count else f"{stray[0]} lies"
    folders = len(source.class_names)
    return f"no classes, as {which} in none of the {folders} folders that the others lie in; move or remove what is astray"


def _few(some: int, of: int) -> bool:
    return 2 * some < of


def _depth(folders: list[tuple[str, ...]]) -> int:
    """How many leading folders say nothing about the class; a few pictures in no folder at all do not count."""
    inner = [parts for parts in folders if parts]
    folders = inner if _few(len(folders) - len(inner), len(folders)) else folders
    depth = len(os.path.commonprefix(folders))
    if folders and all(len(parts) > depth and parts[depth].lower() in SPLITS for parts in folders):
        depth += 1
    return depth
