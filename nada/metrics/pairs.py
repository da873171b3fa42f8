"""Averages over pairs of samples, and their bootstrap: the unit that is drawn again is the sample, not the pair.

A pair of a sample with a copy of itself would have distance 0 and pull every round down; only pairs of two different
samples count, as often as both were drawn.
"""

from __future__ import annotations

import numpy as np

from nada.metrics.arrays import Rows, blocks
from nada.metrics.estimates import resampled_counts


def mean_cosine(rows: Rows) -> float:
    """Return the mean of x·y over all pairs of two different rows."""
    total, own = np.zeros(rows.shape[1]), 0.0
    for _, block in blocks(rows):
        total += block.sum(axis=0)
        own += float(np.square(block).sum())
    return float((total @ total - own) / (len(rows) * (len(rows) - 1)))


def resampled_cosines(rows: Rows, rounds: int, seed: int) -> np.ndarray:
    """Return `mean_cosine` in each round of a bootstrap, `(rounds,)`; no matrix of pairs is ever made."""
    own = np.concatenate([np.square(block).sum(axis=1) for _, block in blocks(rows)])
    whole = mean_cosine(rows)
    drawn = []
    for counts in resampled_counts(len(rows), rounds, seed):
        squares = np.square(counts)
        sums = np.square(weighted_sums(counts, rows)).sum(axis=1) - squares @ own
        drawn.append(_mean_of_pairs(sums, squares, whole))
    return np.concatenate(drawn)


def weighted_sums(weights: np.ndarray, rows: Rows) -> np.ndarray:
    """Return `weights (R, N)` times `rows (N, D)`: a sum of the rows for each round."""
    return sum(weights[:, start : start + len(block)] @ block for start, block in blocks(rows))


def resampled_pairs(first: np.ndarray, second: np.ndarray, values: np.ndarray, n: int, rounds: int, seed: int) -> np.ndarray:
    """Return the mean of `values (P,)`, one for each listed pair of samples, in each round of a bootstrap.

    Args:
        first, second: which two of the `n` samples a pair has, `(P,)` each.
    """
    drawn = []
    for counts in resampled_counts(n, rounds, seed):
        for row in counts:
            weights = row[first] * row[second]
            total = weights.sum()
            drawn.append(weights @ values / total if total else values.mean())
    return np.array(drawn)


def resampled_matrix(distances: np.ndarray, rounds: int, seed: int) -> np.ndarray:
    """Return the mean over all pairs of a symmetric matrix `(N, N)` with a diagonal of 0, in each round."""
    whole = distances.sum() / (len(distances) * (len(distances) - 1))
    drawn = []
    for counts in resampled_counts(len(distances), rounds, seed):
        sums = np.einsum("ij,ij->i", counts @ distances, counts)
        drawn.append(_mean_of_pairs(sums, np.square(counts), whole))
    return np.concatenate(drawn)


def _mean_of_pairs(sums: np.ndarray, squares: np.ndarray, whole: float) -> np.ndarray:
    """Sums over ordered pairs through their number; a round that drew one sample only has none, and tells nothing."""
    pairs = squares.shape[1] ** 2 - squares.sum(axis=1)
    return np.where(pairs > 0, sums / np.maximum(pairs, 1), whole)
