"""The Fréchet distance between two sets of features, each taken as a Gaussian (FID, when they are Inception's).

Dowson & Landau 1982; Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", arXiv:1706.08500.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import Rows, as_array, as_pair, blocks, mean_of

NAMES = ("The first features", "The second features")


def frechet_distance(a: Any, b: Any, ddof: int = 1) -> float:
    """Return |μa - μb|² + tr(Σa) + tr(Σb) - 2 tr((Σa Σb)^½), at least 0; smaller is better, 0 is equal moments.

    It is biased: a finite sample looks further away than it is, by a term that shrinks as 1/n and is large below
    some thousand samples (`frechet_infinity`, `kernel_distance`). Compare only numbers of the same counts.

    Args:
        a, b: features `(N, D)` and `(M, D)`, two rows or more each; the order of the two makes no difference.
        ddof: 1 divides the covariance by N - 1, as pytorch-fid, clean-fid, torch-fidelity and torchmetrics do;
            0 divides by N, as the StyleGAN line of work does.

    Raises:
        NadaError: for sets of different width, fewer than two rows, NaN or infinity.
    """
    first, second = as_pair(a, b, NAMES)
    if min(len(first), len(second)) > first.shape[1]:
        return frechet_of_moments(moments(first, ddof), moments(second, ddof))
    # A covariance of fewer samples than dimensions has no full rank, and the square roots of its rounding errors
    # would add up; the trace term is then the sum of the singular values of Ra Rbᵀ, with Σ = RᵀR.
    means = [mean_of(first), mean_of(second)]
    roots = [_root(first, means[0], ddof), _root(second, means[1], ddof)]
    overlap = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    return combine(means[0] - means[1], np.square(roots[0]).sum() + np.square(roots[1]).sum(), overlap)


@dataclass(frozen=True)
class Moments:
    """What the distance needs of a set: `mean (D,)`, `covariance (D, D)`, and how many samples they are of."""

    mean: np.ndarray
    covariance: np.ndarray
    n: int


def moments(features: Any, ddof: int = 1) -> Moments:
    """Return mean and covariance of features `(N, D)`, divided by N - ddof (see `frechet_distance`)."""
    return moments_of_rows(as_array(features, "The features"), ddof)


def moments_of_rows(rows: Rows, ddof: int = 1) -> Moments:
    """Return the same of features that were checked before."""
    if ddof not in (0, 1):
        raise NadaError(f"ddof is {ddof}; it is 1 (divide by N - 1) or 0 (divide by N).")
    mean = mean_of(rows)
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for _, block in blocks(rows):
        centred = block - mean
        total += centred.T @ centred
    return Moments(mean, total / (len(rows) - ddof), len(rows))


def frechet_of_moments(a: Moments, b: Moments) -> float:
    """Return the distance from moments alone, such as published statistics of a data set; see `frechet_distance`.

    For sets of fewer samples than dimensions, `frechet_distance` on the features themselves is more exact.

    Raises:
        NadaError: for moments of different dimensions, or with NaN or infinity.
    """
    if a.mean.shape != b.mean.shape:
        raise NadaError(f"The moments are of {a.mean.shape[0]} and of {b.mean.shape[0]} dimensions; they must agree.")
    for part, name in ((a, "first"), (b, "second")):
        if not (np.isfinite(part.mean).all() and np.isfinite(part.covariance).all()):
            raise NadaError(f"The {name} moments have NaN or infinity; compute them again.")
    root = _square_root(a.covariance)
    values = np.linalg.eigvalsh(root @ b.covariance @ root)
    overlap = roots_of(values).sum()
    return combine(a.mean - b.mean, np.trace(a.covariance) + np.trace(b.covariance), overlap)


def _root(array: np.ndarray, mean: np.ndarray, ddof: int) -> np.ndarray:
    """A matrix R with Σ = RᵀR: the samples themselves where they are few, (D, D) where they are many."""
    if len(array) > array.shape[1]:
        return _square_root(moments(array, ddof).covariance)
    if ddof not in (0, 1):
        raise NadaError(f"ddof is {ddof}; it is 1 (divide by N - 1) or 0 (divide by N).")
    return (array - mean) / np.sqrt(len(array) - ddof)


def _square_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * roots_of(values)) @ vectors.T


def roots_of(values: np.ndarray) -> np.ndarray:
    """Return square roots of eigenvalues in rising order, where those that rounding alone could have made are 0.

    Features that keep to a part of their dimensions have many such, and the roots of 1e-16 would add up.
    """
    return np.sqrt(np.where(values > np.finfo(np.float64).eps * values[-1], values, 0))


def combine(shift: np.ndarray, traces: float, overlap: float) -> float:
    """Return |shift|² + traces - 2 overlap, at least 0."""
    return max(0.0, float(shift @ shift + traces - 2 * overlap))
