"""Which pictures are there more than once: the same file, or the same picture once more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nada.data.inspection.collecting import Collected, Table
from nada.data.inspection.hashing import correlate_shapes
from nada.data.inspection.neighbours import group_stars, near_pairs

COLOUR_DISTANCE = 10  # levels of mean difference between colour signatures up to which two are of one colour
# Copies at half the size and JPEG's quality 70 correlate by 0.99 and more, different logos of one layout by up to 0.93.
CORRELATION = 0.95
_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class Group:
    """Pictures that are alike, as rows of the table. `identical`: the files are the same, byte for byte."""

    rows: tuple[int, ...]
    identical: bool
    labels_differ: bool


@dataclass(frozen=True)
class Duplicates:
    """All groups, the largest first; how many pictures could go; and whether the search had to stop early."""

    groups: tuple[Group, ...]
    identical: int
    near: int
    cut_short: bool


def find_duplicates(collected: Collected, distance: int) -> Duplicates:
    """Group identical files and near duplicates.

    Two pictures are near when their hashes differ in at most `distance` of 64 bits, their brightness at 32 x 32
    correlates by CORRELATION at least, and their colours at 4 x 4 differ by COLOUR_DISTANCE levels in the mean at most.
    (Hashes alone call every line of text on white alike.) Pictures of a single colour have no hash and are compared
    as files only. `identical` counts the files that repeat an earlier one, `near` the other pictures that are near
    the first one of their group. Raises UsageError for a distance out of range.
    """
    table = collected.table
    _, first, inverse = np.unique(table.digest, return_index=True, return_inverse=True)
    copies = _rows_by_file(inverse.reshape(-1), len(first))
    shaped = np.flatnonzero(~table.flat[first])  # one row per distinct file that has a shape
    rows = first[shaped]
    pairs, cut_short = near_pairs(table.hash[rows], distance)
    pairs = pairs[_are_alike(collected, rows[pairs[:, 0]], rows[pairs[:, 1]])]
    stars = [[int(shaped[member]) for member in star] for star in group_stars(pairs, len(rows))]
    grouped = {file for star in stars for file in star}
    alone = [[file] for file in range(len(first)) if file not in grouped and len(copies[file]) > 1]
    groups = [_group(table, star, copies) for star in [*stars, *alone]]
    groups.sort(key=lambda group: (-len(group.rows), group.rows))
    near = sum(len(star) - 1 for star in stars)
    return Duplicates(tuple(groups), len(table) - len(first), near, cut_short)


def _rows_by_file(inverse: np.ndarray, count: int) -> list[np.ndarray]:
    order = np.argsort(inverse, kind="stable")
    return np.split(order, np.cumsum(np.bincount(inverse, minlength=count))[:-1])


def _group(table: Table, files: list[int], copies: list[np.ndarray]) -> Group:
    rows = np.concatenate([copies[file] for file in files])
    labels = set(table.label[rows].tolist()) - {-1}
    return Group(tuple(rows.tolist()), len(files) == 1, len(labels) > 1)


def _are_alike(collected: Collected, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Which pairs of rows agree in colours and shapes; in parts, which bounds the memory."""
    alike = np.zeros(len(left), bool)
    for start in range(0, len(left), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        a, b = left[part], right[part]
        signature = collected.table.signature
        difference = np.abs(signature[a].astype(np.int16) - signature[b]).mean(axis=1)
        shapes = correlate_shapes(collected.shapes[a], collected.shapes[b])
        alike[part] = (difference <= COLOUR_DISTANCE) & (shapes >= CORRELATION)
    return alike
