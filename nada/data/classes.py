"""Which class a picture has, from the folders it lies in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from nada.data.records import Reading
from nada.errors import UsageError

# Folders that divide a data set rather than name what is shown.
SPLITS = frozenset("train training test testing val valid validation dev".split())


class Classes(NamedTuple):
    """The class of each picture by the picture's name, and the class names in the order of their numbers."""

    of: Mapping[str, str | None]
    names: tuple[str, ...]

    def missing(self, pictures: Iterable[str]) -> int:
        """How many of the pictures have no class although there are classes."""
        return sum(self.of.get(name) is None for name in pictures) if self.names else 0


NO_CLASSES = Classes({}, ())


def folder_classes(names: list[str], reading: Reading, where: str) -> Classes:
    """Classes from paths inside a source, in alphabetical order.

    The class is the first folder below those that all pictures share, and below train, test and the like, so that
    `class/a.png`, `fruits/class/a.png` and `train/class/more/a.png` are all understood; `last-folder` takes the folder
    that holds the picture. Where a picture has none, or all have the same, there are no classes; that is a UsageError
    where folders were asked for.
    """
    if reading.class_from not in ("auto", "folder", "last-folder"):
        return NO_CLASSES
    folders = [PurePosixPath(name).parent.parts for name in names]
    depth = -1 if reading.class_from == "last-folder" else _depth(folders)
    labels = [parts[depth] if len(parts) > max(depth, 0) else None for parts in folders]
    found = {label for label in labels if label is not None}
    if len(found) > 1 and None not in labels:
        return Classes(dict(zip(names, labels)), tuple(sorted(found)))
    if reading.class_from == "auto":
        return NO_CLASSES
    stray = next((name for name, label in zip(names, labels) if label is None), None)
    cause = f"{stray} is in none" if stray and found else "there are not two of them"
    raise UsageError(f"the folders in {where} give no classes: {cause}; use --class-from none, or sort the pictures.")


def _depth(folders: list[tuple[str, ...]]) -> int:
    """How many leading folders say nothing about the class."""
    depth = len(os.path.commonprefix(folders))
    if folders and all(len(parts) > depth and parts[depth].lower() in SPLITS for parts in folders):
        depth += 1
    return depth
