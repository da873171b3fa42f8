"""Squared Euclidean distances between rows, tile by tile, and the nearest neighbours they lead to."""

from __future__ import annotations

import numpy as np

from nada.metrics.arrays import Rows, tiles_within

# Two sums of the same numbers in another order differ in their last digits: what differs by less is equal.
TOLERANCE = 1e-10


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return `(N, M)` for float64 rows `(N, D)` and `(M, D)`; rows equal to within rounding have distance 0."""
    sizes = np.einsum("ij,ij->i", x, x)[:, None] + np.einsum("ij,ij->i", y, y)
    values = sizes - 2 * (x @ y.T)
    values[values < 1e-13 * sizes] = 0
    return values


def nearest(x: Rows, k: int) -> np.ndarray:
    """Return `(N, k)` squared distances of each row to its nearest other rows, from the nearest on."""
    best = np.full((len(x), k), np.inf)
    for left, right, one, other in tiles_within(x):
        values = squared_distances(one, other)
        if left == right:
            np.fill_diagonal(values, np.inf)
        else:
            best[right] = _smallest(np.concatenate([best[right], values.T], axis=1), k)
        best[left] = _smallest(np.concatenate([best[left], values], axis=1), k)
    return best


def nearest_within(distances: np.ndarray, k: int) -> np.ndarray:
    """Return the same from a whole matrix `(N, N)` of a set's distances to itself."""
    values = distances.copy()
    np.fill_diagonal(values, np.inf)
    return _smallest(values, k)


def _smallest(values: np.ndarray, k: int) -> np.ndarray:
    return np.sort(np.partition(values, k - 1, axis=1)[:, :k], axis=1)


def neighbour_sets(x: Rows, k: int) -> np.ndarray:
    """Return `(N, k)` indices of each row's nearest other rows, in no order."""
    best = np.full((len(x), k), np.inf)
    found = np.zeros((len(x), k), dtype=np.int64)

    def take_in(rows: slice, values: np.ndarray, first: int) -> None:
        values = np.concatenate([best[rows], values], axis=1)
        chosen = np.argpartition(values, k - 1, axis=1)[:, :k]
        known = np.take_along_axis(found[rows], np.minimum(chosen, k - 1), axis=1)
        found[rows] = np.where(chosen < k, known, chosen - k + first)
        best[rows] = np.take_along_axis(values, chosen, axis=1)

    for left, right, one, other in tiles_within(x):
        values = squared_distances(one, other)
        if left == right:
            np.fill_diagonal(values, np.inf)
        else:
            take_in(right, values.T, left.start)
        take_in(left, values, right.start)
    return found


def neighbour_sets_within(distances: np.ndarray, k: int) -> np.ndarray:
    """Return the same from a whole matrix `(N, N)` of a set's distances to itself."""
    values = distances.copy()
    np.fill_diagonal(values, np.inf)
    return np.argpartition(values, k - 1, axis=1)[:, :k]
