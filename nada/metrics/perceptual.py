"""Diversity as mean distances between pictures (LPIPS, as a rule), over all pairs and within clusters.

The distance comes from outside: a matrix `(N, N)`, or a function that takes two index arrays `(P,)` and gives the
distances `(P,)` of these pairs of pictures. It is asked for all pairs of a set at once, first indices in order, so that
who knows the network decides what is computed together and what is held in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import as_array
from nada.metrics.estimates import LEVEL, ROUNDS, Estimate, percentile_estimate
from nada.metrics.medoids import k_medoids
from nada.metrics.pairs import resampled_matrix, resampled_pairs

CLUSTERS = 10
MEMBERS = 50
Distance = Callable[[np.ndarray, np.ndarray], Any]


@dataclass(frozen=True)
class ClusterEstimate:
    """The mean distance within clusters, and what it is a mean of.

    Attributes:
        estimate: the mean over clusters of two pictures or more; `std` is the spread over these clusters.
        sizes: how many pictures each cluster has.
        means: the mean distance within each cluster; None for a cluster of one.
    """

    estimate: Estimate
    sizes: tuple[int, ...]
    means: tuple[float | None, ...]


def pairwise_distance(distance: Any, n: int | None = None, pairs: int | None = None, seed: int = 0) -> float:
    """Return the mean distance over pairs of two different pictures; larger is more diverse.

    With LPIPS (Zhang et al. 2018, arXiv:1801.03924), usually between 0 and 1.

    Args:
        distance: a symmetric matrix `(N, N)`, or a function of two index arrays.
        n: how many pictures there are, where `distance` is a function.
        pairs: so many random pairs instead of all N (N - 1) / 2.
        seed: chooses them.
    """
    ask, count = _source(distance, n)
    return float(ask(*_pairs(count, pairs, seed)).mean())


def pairwise_estimate(
    distance: Any,
    n: int | None = None,
    pairs: int | None = None,
    seed: int = 0,
    rounds: int = ROUNDS,
    level: float = LEVEL,
) -> Estimate:
    """Return `pairwise_distance` with a bootstrap interval over the pictures, not over the pairs."""
    ask, count = _source(distance, n)
    first, second = _pairs(count, pairs, seed)
    values = ask(first, second)
    if pairs is None:
        drawn = resampled_matrix(_square(first, second, count, values), rounds, seed)
    else:
        drawn = resampled_pairs(first, second, values, count, rounds, seed)
    return percentile_estimate(float(values.mean()), drawn, (count,), level)


def intra_cluster_distance(
    distance: Any, n: int | None = None, k: int = CLUSTERS, labels: Any = None, members: int = MEMBERS, seed: int = 0
) -> float:
    """Return the mean distance within clusters (intra-cluster LPIPS); larger is more diverse.

    Ojha et al. 2021 (arXiv:2104.06820) assign 1,000 generated pictures to the nearest of the 10 training pictures;
    without training pictures, as in zero-shot adaptation, the clusters are k-medoids of the generated ones. Then come
    up to 50 random members of each cluster, the mean over all pairs of these, and the mean over clusters. A generator
    that only copies 10 pictures has distance 0 here, however different those are.

    Args:
        distance: a symmetric matrix `(N, N)`, or a function of two index arrays.
        n: how many pictures there are, where `distance` is a function.
        k: how many clusters k-medoids makes; this needs all N (N - 1) / 2 distances.
        labels: `(N,)` the cluster of each picture, whole numbers, instead of k-medoids.
        members, seed: how many pictures of a cluster are compared, and the seed of their choice.

    Raises:
        NadaError: where no cluster has two pictures, for distances that are negative, NaN or of the wrong shape.
    """
    return intra_cluster_estimate(distance, n, k, labels, members, seed, rounds=2).estimate.value


def intra_cluster_estimate(
    distance: Any,
    n: int | None = None,
    k: int = CLUSTERS,
    labels: Any = None,
    members: int = MEMBERS,
    seed: int = 0,
    rounds: int = ROUNDS,
    level: float = LEVEL,
) -> ClusterEstimate:
    """Return `intra_cluster_distance` with a bootstrap interval over the pictures of each cluster, clusters given.

    What another sample would do to the clusters themselves is not in it.
    """
    ask, count = _source(distance, n)
    if labels is None:
        first, second = _pairs(count, None, seed)
        matrix = _square(first, second, count, ask(first, second))
        ask, labels = lambda first, second: matrix[first, second], k_medoids(matrix, k).labels
    groups = _groups(labels, count)
    rng = np.random.default_rng(seed)
    means: list[float | None] = []
    drawn = []
    for group in groups:
        chosen = np.sort(rng.permutation(group)[:members])
        if len(chosen) < 2:
            means.append(None)
            continue
        first, second = _pairs(len(chosen), None, seed)
        values = ask(chosen[first], chosen[second])
        means.append(float(values.mean()))
        drawn.append(resampled_matrix(_square(first, second, len(chosen), values), rounds, int(rng.integers(2**63))))
    known = [mean for mean in means if mean is not None]
    if not known:
        raise NadaError(f"None of the {len(groups)} clusters has two pictures; use more pictures or fewer clusters.")
    estimate = percentile_estimate(float(np.mean(known)), np.mean(drawn, axis=0), (count,), level)
    spread = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
    return ClusterEstimate(replace(estimate, std=spread), tuple(len(group) for group in groups), tuple(means))


def _source(distance: Any, n: int | None) -> tuple[Distance, int]:
    """The distances as a checked function of two index arrays, and how many pictures there are."""
    if not callable(distance):
        matrix = as_array(distance, "The distances")
        if len(matrix) != matrix.shape[1]:
            raise NadaError(f"The distances must be a square matrix, but its shape is {matrix.shape}.")
        return lambda first, second: _checked(matrix[first, second], first, second), len(matrix)
    if n is None or n < 2:
        raise NadaError(f"A mean distance needs two pictures or more, not {n}; say with n how many there are.")
    return lambda first, second: _checked(distance(first, second), first, second), n


def _checked(values: Any, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    values = as_array(values, "The distances", ndim=1, least=1).astype(np.float64)
    if values.shape != first.shape:
        raise NadaError(f"The distance function gave {len(values)} distances for {len(first)} pairs.")
    if values.min() < 0:
        worst = int(np.argmin(values))
        pair = f"{first[worst]} and {second[worst]}"
        raise NadaError(f"The distance of pictures {pair} is negative: {values[worst]:.4g}.")
    return values


def _groups(labels: Any, count: int) -> list[np.ndarray]:
    array = as_array(labels, "The clusters", ndim=1)
    if len(array) != count:
        raise NadaError(f"There are {len(array)} cluster numbers for {count} pictures.")
    return [np.flatnonzero(array == label) for label in np.unique(array)]


def _pairs(n: int, pairs: int | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    return np.triu_indices(n, 1) if pairs is None else _random_pairs(n, pairs, seed)


def _random_pairs(n: int, pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    total = n * (n - 1) // 2
    if not 1 <= pairs <= total:
        raise NadaError(f"{pairs} pairs of {n} pictures cannot be drawn; there are {total}.")
    chosen = np.sort(np.random.default_rng(seed).choice(total, pairs, replace=False))
    # Pairs (i, j) with i < j are numbered row by row; row i starts at number i n - i (i + 1) / 2.
    rows = np.arange(n - 1)
    starts = rows * n - rows * (rows + 1) // 2
    first = np.searchsorted(starts, chosen, side="right") - 1
    return first, chosen - starts[first] + first + 1


def _square(first: np.ndarray, second: np.ndarray, n: int, values: np.ndarray) -> np.ndarray:
    matrix = np.zeros((n, n))
    matrix[first, second] = matrix[second, first] = values
    return matrix
