"""Fidelity and diversity apart: precision, recall, density and coverage, by balls around nearest neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import as_pair, tiles
from nada.metrics.distances import TOLERANCE, nearest, nearest_within, squared_distances
from nada.metrics.estimates import LEVEL, Estimate, at_least_binomial, normal_estimate, subset_errors

NAMES = ("The real features", "The generated features")
ROUNDS = 100
LARGEST = 1000  # samples of a set whose halves the intervals are made of


class PrecisionRecall(NamedTuple):
    """Both between 0 and 1, larger is better: fidelity, and how much of the real pictures is reached."""

    precision: Any
    recall: Any


class DensityCoverage(NamedTuple):
    """Density is 0 or more and can pass 1, coverage lies between 0 and 1; larger is better."""

    density: Any
    coverage: Any


def precision_recall(real: Any, generated: Any, k: int = 3, strict: bool = False) -> PrecisionRecall:
    """Return improved precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991), two numbers.

    Each picture is the centre of a ball that reaches to its k-th nearest neighbour among its own kind. Precision is the
    share of generated pictures within the ball of a real one, recall that of real pictures within the ball of a
    generated one. Both grow with the counts; one far picture has a large ball (`density_coverage` minds less).

    Args:
        real, generated: features `(N, D)` and `(M, D)`, more than k rows each.
        k: 3 as published.
        strict: whether the border of a ball is outside (`<`, as in Naeem et al.'s code) or inside (`<=`, as published).
    """
    found = _scores(*_checked(real, generated, k), k, strict)
    return PrecisionRecall(found.precision, found.recall)


def density_coverage(real: Any, generated: Any, k: int = 5, strict: bool = True) -> DensityCoverage:
    """Return density and coverage (Naeem et al. 2020, arXiv:2002.09797), two numbers.

    Balls are those of real pictures alone. Density is how many of them hold a generated picture, on average, over k;
    coverage is the share of real balls that hold one. For equal distributions density is 1 on average and coverage
    close to 1 - 2^-k, if the counts are equal.

    Args:
        real, generated: features `(N, D)` and `(M, D)`, more than k rows each.
        k: 5 as published.
        strict: as for `precision_recall`; `<` as in the published code.
    """
    found = _scores(*_checked(real, generated, k), k, strict)
    return DensityCoverage(found.density, found.coverage)


def precision_recall_estimate(
    real: Any, generated: Any, k: int = 3, strict: bool = False, rounds: int = ROUNDS, seed: int = 0,
    level: float = LEVEL,
) -> PrecisionRecall:
    """Return `precision_recall` as two `Estimate`s, their intervals by random halves.

    The intervals are for what these counts give on average. They come from halves of at most a thousand of either set,
    scaled to all of them.
    """
    first, second = _checked(real, generated, k)
    found = _estimates(first, second, k, strict, rounds, seed, level)
    return PrecisionRecall(found.precision, found.recall)


def density_coverage_estimate(
    real: Any, generated: Any, k: int = 5, strict: bool = True, rounds: int = ROUNDS, seed: int = 0,
    level: float = LEVEL,
) -> DensityCoverage:
    """Return `density_coverage` as two `Estimate`s; see `precision_recall_estimate`."""
    first, second = _checked(real, generated, k)
    found = _estimates(first, second, k, strict, rounds, seed, level)
    return DensityCoverage(found.density, found.coverage)


class _Four(NamedTuple):
    precision: Any
    recall: Any
    density: Any
    coverage: Any


def _checked(real: Any, generated: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    if k < 1:
        raise NadaError(f"The number of nearest neighbours is {k}; it must be 1 or more.")
    return as_pair(real, generated, NAMES, least=k + 1)


def _scores(real: np.ndarray, generated: np.ndarray, k: int, strict: bool) -> _Four:
    reach_real, reach_generated = nearest(real, k)[:, -1], nearest(generated, k)[:, -1]
    within = _inside(strict)
    held = np.zeros(len(generated))
    covered, recalled = np.zeros(len(real), dtype=bool), np.zeros(len(real), dtype=bool)
    for left, right, part, other in tiles(real, generated):
        between = squared_distances(part, other)
        inside = within(between, reach_real[left, None])
        held[right] += inside.sum(axis=0)
        covered[left] |= inside.any(axis=1)
        recalled[left] |= within(between, reach_generated[right]).any(axis=1)
    return _Four(float((held > 0).mean()), float(recalled.mean()), float(held.mean() / k), float(covered.mean()))


def _inside(strict: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    if strict:
        return lambda distances, reach: distances < reach * (1 - TOLERANCE)
    return lambda distances, reach: distances <= reach * (1 + TOLERANCE)


def _estimates(
    real: np.ndarray, generated: np.ndarray, k: int, strict: bool, rounds: int, seed: int, level: float
) -> _Four:
    if min(len(real), len(generated)) // 2 <= k:
        raise NadaError(f"An interval for {k} nearest neighbours needs {2 * k + 2} pictures of each kind.")
    rng = np.random.default_rng(seed)
    parts = [array[np.sort(rng.permutation(len(array))[:LARGEST])].astype(np.float64) for array in (real, generated)]
    whole = [squared_distances(x, y) for x, y in ((parts[0], parts[0]), (parts[1], parts[1]), parts)]
    within = _inside(strict)

    def half(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        reach_real = nearest_within(whole[0][np.ix_(rows, rows)], k)[:, -1]
        reach_generated = nearest_within(whole[1][np.ix_(columns, columns)], k)[:, -1]
        between = whole[2][np.ix_(rows, columns)]
        inside = within(between, reach_real[:, None])
        recalled = within(between, reach_generated).any(axis=1)
        return np.array([inside.any(axis=0).mean(), recalled.mean(), inside.sum() / inside.shape[1] / k,
                         inside.any(axis=1).mean()])  # fmt: skip

    errors = subset_errors(half, (len(parts[0]), len(parts[1])), rounds, seed)
    # To the whole sets; the set that was cut less decides, so that the interval is rather too wide.
    errors = errors * np.sqrt(max(len(parts[0]) / len(real), len(parts[1]) / len(generated)))
    counts, method = (len(real), len(generated)), f"{rounds} random halves"
    values = _scores(real, generated, k, strict)
    trials = _Four(len(generated), len(real), None, len(real))
    return _Four(*(_one(*parts, counts, method, level) for parts in zip(values, errors, trials)))


def _one(
    value: float, error: float, trials: int | None, counts: tuple[int, int], method: str, level: float
) -> Estimate:
    limits = (0.0, np.inf if trials is None else 1.0)
    estimate = normal_estimate(value, error, counts, method, level, limits)
    return estimate if trials is None else at_least_binomial(estimate, trials)
