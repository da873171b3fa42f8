"""Distances by kernels: what KID and CMMD are on Inception's and on CLIP's features."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import UnitRows, as_pair
from nada.metrics.discrepancy import biased, jackknife_variances, row_sums, unbiased
from nada.metrics.estimates import LEVEL, Estimate, normal_estimate

SUBSETS = 100
SUBSET_SIZE = 1000
CMMD_SIGMA = 10.0
CMMD_SCALE = 1000.0
NAMES = ("The first features", "The second features")


def kernel_distance(
    a: Any, b: Any, subsets: int = SUBSETS, subset_size: int | None = SUBSET_SIZE, degree: int = 3, seed: int = 0
) -> float:
    """Return the kernel distance, KID on Inception's features (Bińkowski et al. 2018, arXiv:1801.01401).

    The squared maximum mean discrepancy under (x·y / D + 1)^degree, unbiased, averaged over random subsets; smaller is
    better, its mean is 0 for equal distributions at any count, so it may come out below 0. Not multiplied by 1000.

    Args:
        a, b: features `(N, D)` and `(M, D)`.
        subsets, subset_size: as published; both sets must have `subset_size` samples, three at least. None takes
            all samples at once, which is more exact, and quicker below some ten thousand samples.
        seed: chooses the subsets.

    Raises:
        NadaError: for too few samples, sets of different width, NaN or infinity.
    """
    return kernel_estimate(a, b, subsets, subset_size, degree, seed).value


def kernel_estimate(
    a: Any,
    b: Any,
    subsets: int = SUBSETS,
    subset_size: int | None = SUBSET_SIZE,
    degree: int = 3,
    seed: int = 0,
    level: float = LEVEL,
) -> Estimate:
    """Return `kernel_distance` with an interval by the jackknife, for the distance of the two distributions.

    The interval grows with what the choice of subsets adds. It is too wide where the two
    distributions agree, with small subsets by a factor of a few.
    `std` is the spread over the subsets, which the literature prints, None where there is only one; subsets share
    samples, and it says little of how sure the value is.
    """
    first, second = as_pair(a, b, NAMES, least=3)
    sizes = [len(array) if subset_size is None else subset_size for array in (first, second)]
    _check(first, second, subsets, sizes, degree)
    whole = sizes == [len(first), len(second)]
    if whole:
        subsets = 1  # all of them would be the same
    rng = np.random.default_rng(seed)
    values, variance = [], 0.0
    for _ in range(subsets):
        x, y = (_drawn(array, size, rng) for array, size in zip((first, second), sizes))
        sums = row_sums(x, y, lambda p, q: _polynomial(p, q, degree))
        values.append(unbiased(sums))
        parts = jackknife_variances(sums)
        # The variance of a mean over samples falls as 1/n: from that at the subset's size to that of the whole set.
        variance += (parts[0] * sizes[0] / len(first) + parts[1] * sizes[1] / len(second)) / subsets
    std = float(np.std(values)) if subsets > 1 else None
    error = np.sqrt(variance + (0 if std is None else std**2 / (subsets - 1)))
    drawn = "all at once" if whole else f"{subsets} {'subsets' if subsets > 1 else 'subset'} of {min(sizes)}"
    counts = (len(first), len(second))
    return normal_estimate(float(np.mean(values)), error, counts, f"jackknife, {drawn}", level, std=std)


def _drawn(array: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A random subset of the rows; the array itself, and no copy of what may be mapped from a file, where that is all."""
    chosen = rng.permutation(len(array))[:size]  # drawn in any case: the other set's subsets do not hang on this one's size
    return array if size == len(array) else array[np.sort(chosen)]


def _check(first: np.ndarray, second: np.ndarray, subsets: int, sizes: list[int], degree: int) -> None:
    if degree < 1:
        raise NadaError(f"The degree of the kernel is {degree}; it must be 1 or more, 3 as published.")
    if min(sizes) < 3 or subsets < 1:
        raise NadaError(f"The kernel distance needs one subset or more of 3 or more, not {subsets} of {min(sizes)}.")
    for array, size, name in zip((first, second), sizes, NAMES):
        if len(array) < size:
            raise NadaError(f"{name} are {len(array)}, fewer than the subset size {size}; use more or smaller subsets.")


def _polynomial(x: np.ndarray, y: np.ndarray, degree: int) -> np.ndarray:
    values = x @ y.T
    values /= x.shape[1]
    values += 1
    result = values.copy()
    for _ in range(degree - 1):
        result *= values
    return result


def clip_mmd(a: Any, b: Any, unbiased_form: bool = False) -> float:
    """Return CMMD (Jayasumana et al. 2024, "Rethinking FID", arXiv:2401.09603) of CLIP embeddings.

    1000 times the squared maximum mean discrepancy of unit embeddings under exp(-|x - y|² / (2·10²)); smaller is
    better. The published form is biased: it is never negative, and above 0 for equal distributions.

    Args:
        a, b: CLIP's image embeddings `(N, D)` and `(M, D)`, made unit length here; published numbers are of
            ViT-L/14 at 336 px.
        unbiased_form: leave out pairs of a sample with itself: right on average at any count.
    """
    return clip_mmd_estimate(a, b, unbiased_form).value


def clip_mmd_estimate(a: Any, b: Any, unbiased_form: bool = False, level: float = LEVEL) -> Estimate:
    """Return `clip_mmd` with an interval by the jackknife; see `clip_mmd_estimates`."""
    found = clip_mmd_estimates(a, b, level)
    return found.unbiased if unbiased_form else found.published


class MmdEstimates(NamedTuple):
    """Both forms of CMMD."""

    published: Estimate
    unbiased: Estimate


def clip_mmd_estimates(a: Any, b: Any, level: float = LEVEL) -> MmdEstimates:
    """Return both forms of `clip_mmd`, from one pass over all pairs, with intervals by the jackknife.

    For the unbiased form the interval is one for the distance of the two distributions, for the published form one
    for what these counts give on average.
    """
    first, second = as_pair(a, b, ("The first embeddings", "The second embeddings"), least=3)
    sums = row_sums(UnitRows(first, "The first embeddings"), UnitRows(second, "The second embeddings"), _gaussian)
    error = CMMD_SCALE * np.sqrt(sum(jackknife_variances(sums)))
    counts = (len(first), len(second))
    return MmdEstimates(
        normal_estimate(CMMD_SCALE * biased(sums), error, counts, "jackknife", level, (0.0, np.inf)),
        normal_estimate(CMMD_SCALE * unbiased(sums), error, counts, "jackknife", level),
    )


def _gaussian(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For rows of unit length, where |x - y|² is 2 - 2 x·y."""
    values = x @ y.T
    values -= 1
    values /= CMMD_SIGMA**2
    return np.exp(values, out=values)
