"""What is known of pictures in files before one is decoded: how many, which bytes, how large, of which classes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from nada.data.decoding import side_of
from nada.data.records import Record


@dataclass(frozen=True)
class Survey:
    """Pictures in files.

    Attributes:
        count: how many there are.
        sha256: a hash of their bytes, wherever they lie.
        sides: the shorter sides in pixels that their headers tell, and how many pictures have each.
        classes: how many pictures each class has; empty where they have none.
    """

    count: int
    sha256: str
    sides: dict[int, int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)


def survey(records: Iterable[Record]) -> Survey:
    """Go through all bytes once."""
    digest, count = hashlib.sha256(), 0
    sides: Counter[int] = Counter()
    classes: Counter[str] = Counter()
    for record in records:
        digest.update(hashlib.sha256(record.data).digest())
        count += 1
        if side := side_of(record.data):
            sides[side] += 1
        if record.label is not None:
            classes[record.label] += 1
    return Survey(count, digest.hexdigest(), dict(sorted(sides.items())), dict(sorted(classes.items())))
