"""Picture files under names with folders, be it on disk or in a zip: which are pictures, their classes and captions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from nada.data.captions import caption_files, read_tables, sidecar_text
from nada.data.classes import Classes, folder_classes
from nada.data.descriptions import DESCRIPTION, read_description
from nada.data.records import Reading, Record, Source, is_included, is_picture
from nada.errors import NadaError, UsageError


class Tree(NamedTuple):
    """Files by their names, with `/` between folders. `read` gives a file's bytes or raises NadaError.

    `where` is the tree's place for messages; `called` makes of a file's name what messages call it.
    """

    where: str
    files: list[str]
    read: Callable[[str], bytes]
    called: Callable[[str], str]


def open_tree(tree: Tree, reading: Reading) -> Source:
    """The pictures of a tree in the order of their names. Raises NadaError for senseless labels or captions."""
    shown = set(filter(is_picture, tree.files))
    pictures = [name for name in tree.files if name in shown and is_included(name, reading.include)]
    texts: dict[str, str] = {}
    classes: Classes | None = None
    if DESCRIPTION in tree.files:
        stored, texts = read_description(tree.read(DESCRIPTION), tree.where)
        # Said, not merely unknown: the folders of such a tree are no classes, also where there are no labels.
        classes = stored if reading.stored_classes else None
    sidecars, tables = caption_files(tree.files, pictures)
    texts |= read_tables(tables, tree.read, tree.where)
    if reading.class_from == "column" and not (classes and classes.names):
        raise UsageError(f"{tree.where} has no {DESCRIPTION} with labels; use --class-from folder or none.")
    if classes is None:
        classes = folder_classes(pictures, reading, tree.where)
    used = {DESCRIPTION, *tables, *sidecars.values()} | shown
    ignored = tuple(name for name in tree.files if name not in used)
    records = _records(tree, pictures[reading.start :], classes, texts, sidecars)
    return Source(records, len(pictures), classes.names, ignored, classes.missing(pictures), classes.stray)


def _records(
    tree: Tree, names: list[str], classes: Classes, texts: Mapping[str, str], sidecars: Mapping[str, str]
) -> Iterator[Record]:
    for name in names:
        text = texts.get(name)
        data, problem = b"", None
        try:
            data = tree.read(name)
            if text is None and name in sidecars:
                text = sidecar_text(tree.read(sidecars[name]))
        except NadaError as error:
            problem = str(error)
        yield Record(tree.called(name), data, classes.of.get(name) if classes.names else None, text, problem)
