"""From a stream of pictures to a table of numbers: some hundred bytes a picture in memory, however large it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from nada.data.decoding import in_order, without_warnings
from nada.data.inspection.hashing import SHAPE_BYTES, halve, hash_pictures, sign_colours, sign_shapes
from nada.data.inspection.looking import Look, look_at
from nada.data.inspection.pixels import measure_pixels
from nada.data.inspection.words import WordCounts
from nada.data.records import Record, Skipped, inside, left_out
from nada.errors import NadaError

_BATCH = 256  # small copies measured at a time


@dataclass(frozen=True)
class Table:
    """What is known of every readable picture, one row each, in the order of the source.

    `place` is the picture's number in the source, broken ones counted. `label`, `format` and `mode` index the lists
    of names in `Collected`, a label of -1 is none. `words` and `characters` are the caption's, -1 where there is none.
    """

    place: np.ndarray
    width: np.ndarray
    height: np.ndarray
    file_bytes: np.ndarray
    digest: np.ndarray
    label: np.ndarray
    format: np.ndarray
    mode: np.ndarray
    animated: np.ndarray
    words: np.ndarray
    characters: np.ndarray
    brightness: np.ndarray
    colourfulness: np.ndarray
    monochrome: np.ndarray
    background: np.ndarray
    hash: np.ndarray
    flat: np.ndarray
    signature: np.ndarray

    def __len__(self) -> int:
        return len(self.place)


_KINDS = dict(zip((field.name for field in fields(Table)),
    ("i8", "i4", "i4", "i8", "u8", "i4", "i4", "i4", "?", "i4", "i4", "f4", "f4", "?", "u1", "u8", "?", "u1")))  # fmt: skip


@dataclass(frozen=True)
class Collected:
    """The table, and what does not fit into one: names, the lists that its numbers index, words, broken pictures.

    `shapes (N, 1024)` uint8 lie in a temporary file and are read where they are looked at.
    """

    table: Table
    shapes: np.ndarray
    names: list[str]
    labels: list[str]
    formats: list[str]
    modes: list[str]
    words: WordCounts
    broken: list[Skipped]


def collect(records: Iterable[Record], class_names: Iterable[str] = (), where: str = "") -> Collected:
    """Look at every picture of the source at `where` once. Only as many are in memory as the threads work on."""
    gathered = _Gathered(list(class_names))
    with without_warnings():
        for record, seen in in_order(look_at, records):
            if isinstance(seen, NadaError):
                gathered.broken.append(left_out(record.name, seen, where))
            else:
                gathered.add(inside(record.name, where), seen)
    return gathered.finish()


class _Gathered:
    """Looks on their way into the table."""

    def __init__(self, class_names: list[str]) -> None:
        self.labels, self.formats, self.modes = _Numbers(class_names), _Numbers(), _Numbers()
        self.names: list[str] = []
        self.words = WordCounts()
        self.broken: list[Skipped] = []
        self._waiting: list[Look] = []
        self._rows: dict[str, list[np.ndarray]] = {name: [] for name in _KINDS}
        self._places: list[int] = []
        self._shapes = tempfile.TemporaryFile()

    def add(self, name: str, seen: Look) -> None:
        """Take one look; every so many are measured together."""
        self._places.append(len(self.names) + len(self.broken))
        self.names.append(name)
        self._waiting.append(seen)
        if len(self._waiting) == _BATCH:
            self._measure()

    def finish(self) -> Collected:
        """Measure the rest and put the table together."""
        self._measure()
        columns = {
            name: np.concatenate([np.zeros((0, 48) if name == "signature" else 0, kind), *self._rows[name]])
            for name, kind in _KINDS.items()
        }
        shapes = np.zeros((0, SHAPE_BYTES), np.uint8)
        if self.names:
            self._shapes.flush()
            shapes = np.memmap(self._shapes, np.uint8, "r", shape=(len(self.names), SHAPE_BYTES))
        self._shapes.close()  # the map keeps it
        lists = (self.labels.names, self.formats.names, self.modes.names)
        return Collected(Table(**columns), shapes, self.names, *lists, self.words, self.broken)

    def _measure(self) -> None:
        looks, self._waiting = self._waiting, []
        places, self._places = self._places, []
        if not looks:
            return
        small = np.stack([look.small for look in looks])
        halved = halve(small)
        self._shapes.write(sign_shapes(halved).tobytes())
        pixels = measure_pixels(small, np.array([look.clear_border for look in looks]))
        hashes, flat = hash_pictures(halved)
        lengths = [self._lengths(look.text) for look in looks]
        columns = {
            "place": places,
            "label": [self.labels.number(look.label) for look in looks],
            "format": [self.formats.number(look.format) for look in looks],
            "mode": [self.modes.number(look.mode) for look in looks],
            "words": [words for words, _ in lengths],
            "characters": [characters for _, characters in lengths],
            **{name: [getattr(look, name) for look in looks]
               for name in ("width", "height", "file_bytes", "digest", "animated")},
            **pixels._asdict(),
            "hash": hashes,
            "flat": flat,
            "signature": sign_colours(halved),
        }  # fmt: skip
        for name, values in columns.items():
            self._rows[name].append(np.asarray(values, _KINDS[name]))

    def _lengths(self, text: str | None) -> tuple[int, int]:
        if text is None or not text.strip():
            return -1, -1
        return self.words.add(text), len(text)


class _Numbers:
    """Names to numbers, in the order they are first seen in."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._known = {name: number for number, name in enumerate(names)}

    @property
    def names(self) -> list[str]:
        return list(self._known)

    def number(self, name: str | None) -> int:
        """The number of a name, -1 for None."""
        return -1 if name is None else self._known.setdefault(name, len(self._known))
