"""Clusters around pictures: k-medoids by PAM. Kaufman & Rousseeuw 1990; swaps as in Schubert & Rousseeuw 2019."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import as_array


class Clusters(NamedTuple):
    """Which samples are the centres, `medoids (k,)`, and which of those each sample belongs to, `labels (N,)`."""

    medoids: np.ndarray
    labels: np.ndarray


def k_medoids(distances: Any, k: int) -> Clusters:
    """Return `k` clusters of a symmetric matrix of distances `(N, N)`, each sample in that of its nearest medoid.

    Starts from PAM's greedy choice and makes the best swap of a medoid for another sample until none lowers the sum of
    distances: nothing is random, and equal input gives equal clusters.

    Raises:
        NadaError: for a matrix that is not square, or fewer samples than clusters.
    """
    matrix = as_array(distances, "The distances").astype(np.float64)
    n = len(matrix)
    if matrix.shape[1] != n:
        raise NadaError(f"The distances must be a square matrix, but its shape is {matrix.shape}.")
    if not 1 <= k <= n:
        raise NadaError(f"{n} samples cannot form {k} clusters; ask for 1 to {n}.")
    medoids = _greedy(matrix, k)
    smallest = 1e-12 * (matrix.max() or 1.0) * n
    while True:
        change, old, new = _best_swap(matrix, medoids)
        if change >= -smallest:
            return Clusters(medoids, np.argmin(matrix[:, medoids], axis=1))
        medoids[old] = new


def _greedy(matrix: np.ndarray, k: int) -> np.ndarray:
    medoids = [int(np.argmin(matrix.sum(axis=0)))]
    nearest = matrix[:, medoids[0]].copy()
    while len(medoids) < k:
        gains = np.maximum(nearest[:, None] - matrix, 0).sum(axis=0)
        gains[medoids] = -1
        medoids.append(int(np.argmax(gains)))
        nearest = np.minimum(nearest, matrix[:, medoids[-1]])
    return np.array(medoids)


def _best_swap(matrix: np.ndarray, medoids: np.ndarray) -> tuple[float, int, int]:
    """How much the best swap changes the sum of distances, which medoid it gives up, and for which sample."""
    own = matrix[:, medoids]
    labels = np.argmin(own, axis=1)
    first = own.min(axis=1)
    second = np.partition(own, 1, axis=1)[:, 1] if len(medoids) > 1 else np.full(len(own), np.inf)
    members = np.zeros((len(own), len(medoids)))
    members[np.arange(len(own)), labels] = 1
    closer = np.minimum(matrix, first[:, None])
    # A sample whose medoid goes takes the new one or its second nearest, any other only the new one if it is nearer.
    changes = (closer - first[:, None]).sum(axis=0)[:, None]
    changes = changes + (np.minimum(matrix, second[:, None]) - closer).T @ members
    changes[medoids] = np.inf
    new, old = np.unravel_index(np.argmin(changes), changes.shape)
    return float(changes[new, old]), int(old), int(new)
