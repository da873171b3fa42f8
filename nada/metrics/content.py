"""How much of the arrangement of a generator's pictures an adaptation keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import UnitRows
from nada.metrics.distances import neighbour_sets, neighbour_sets_within, squared_distances
from nada.metrics.estimates import LEVEL, Estimate, normal_estimate, subset_errors
from nada.metrics.similarity import same_rows

NEIGHBOURS = 10
ROUNDS = 50
LARGEST = 1000  # samples whose halves the interval is made of


def neighbour_overlap(frozen: Any, adapted: Any, k: int = NEIGHBOURS) -> float:
    """Return how many of each picture's k nearest neighbours stay its neighbours, as a share, on average.

    Between 0 and 1, larger means that more of the content stays: 1 if pictures that were alike still are the most
    alike, k / (N - 1) if the arrangement is lost. A change of style that all pictures share does not lower it.

    Args:
        frozen, adapted: embeddings `(N, D)` of the same latents in the same rows, more than k; neighbours by cosine.
    """
    return float(_overlap(*(neighbour_sets(rows, k) for rows in _checked(frozen, adapted, k))))


def neighbour_overlap_estimate(
    frozen: Any, adapted: Any, k: int = NEIGHBOURS, rounds: int = ROUNDS, seed: int = 0, level: float = LEVEL
) -> Estimate:
    """Return `neighbour_overlap` with an interval by random halves, for what this count gives on average.

    It is somewhat too narrow where k is more than a tenth of the pictures.
    """
    pair = _checked(frozen, adapted, k)
    n = len(pair[0])
    if min(n, LARGEST) // 2 <= k:
        raise NadaError(f"An interval for {k} nearest neighbours needs {2 * k + 2} pictures; there are {n}.")
    chosen = np.sort(np.random.default_rng(seed).permutation(n)[:LARGEST])
    matrices = [squared_distances(rows[chosen], rows[chosen]) for rows in pair]

    def half(rows: np.ndarray) -> np.ndarray:
        return np.array(_overlap(*(neighbour_sets_within(matrix[np.ix_(rows, rows)], k) for matrix in matrices)))

    error = subset_errors(half, (len(chosen),), rounds, seed) * np.sqrt(len(chosen) / n)
    value = float(_overlap(*(neighbour_sets(rows, k) for rows in pair)))
    return normal_estimate(value, float(error), (n,), f"{rounds} random halves", level, (0.0, 1.0))


def _checked(frozen: Any, adapted: Any, k: int) -> tuple[UnitRows, UnitRows]:
    pair = same_rows(frozen, adapted)
    n = len(pair[0])
    if not 1 <= k < n:
        raise NadaError(f"{n} pictures do not have {k} nearest neighbours each; use 1 to {n - 1}.")
    return pair


def _overlap(before: np.ndarray, after: np.ndarray) -> np.floating:
    return (before[:, :, None] == after[:, None, :]).any(axis=2).mean()
