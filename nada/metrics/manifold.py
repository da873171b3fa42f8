"""Fidelity and diversity apart: precision, recall, density and coverage, by balls around nearest neighbours."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import as_pair, tiles
from nada.metrics.distances import TOLERANCE, nearest, nearest_within, squared_distances
from nada.metrics.estimates import LEVEL, Estimate, at_least_binomial, normal_estimate, subset_errors

NAMES = ("The real features", "The generated features")
PRECISION_K, DENSITY_K = 3, 5  # as published
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


class ManifoldEstimates(NamedTuple):
    """All four."""

    precision: Any
    recall: Any
    density: Any
    coverage: Any


def precision_recall(real: Any, generated: Any, k: int = PRECISION_K, strict: bool = False) -> PrecisionRecall:
    """Return improved precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991), two numbers.

    Each picture is the centre of a ball that reaches to its k-th nearest neighbour among its own kind. Precision is the
    share of generated pictures within the ball of a real one, recall that of real pictures within the ball of a
    generated one. Both grow with the counts; one far picture has a large ball (`density_coverage` minds less).

    Args:
        real, generated: features `(N, D)` and `(M, D)`, more than k rows each.
        k: 3 as published.
        strict: whether the border of a ball is outside (`<`, as in Naeem et al.'s code) or inside (`<=`, as published).
    """
    (found,) = _scores(*_checked(real, generated, k), [_Balls(k, strict)])
    return PrecisionRecall(found.precision, found.recall)


def density_coverage(real: Any, generated: Any, k: int = DENSITY_K, strict: bool = True) -> DensityCoverage:
    """Return density and coverage (Naeem et al. 2020, arXiv:2002.09797), two numbers.

    Balls are those of real pictures alone. Density is how many of them hold a generated picture, on average, over k;
    coverage is the share of real balls that hold one. For equal distributions density is 1 on average and coverage
    close to 1 - 2^-k, if the counts are equal.

    Args:
        real, generated: features `(N, D)` and `(M, D)`, more than k rows each.
        k: 5 as published.
        strict: as for `precision_recall`; `<` as in the published code.
    """
    (found,) = _scores(*_checked(real, generated, k), [_Balls(k, strict)])
    return DensityCoverage(found.density, found.coverage)


def precision_recall_estimate(
    real: Any,
    generated: Any,
    k: int = PRECISION_K,
    strict: bool = False,
    rounds: int = ROUNDS,
    seed: int = 0,
    level: float = LEVEL,
) -> PrecisionRecall:
    """Return `precision_recall` as two `Estimate`s, their intervals by random halves.

    The intervals are for what these counts give on average. They come from halves of at most a thousand of either set,
    scaled to all of them.
    """
    (found,) = _estimates(*_checked(real, generated, k), [_Balls(k, strict)], rounds, seed, level)
    return PrecisionRecall(found.precision, found.recall)


def density_coverage_estimate(
    real: Any,
    generated: Any,
    k: int = DENSITY_K,
    strict: bool = True,
    rounds: int = ROUNDS,
    seed: int = 0,
    level: float = LEVEL,
) -> DensityCoverage:
    """Return `density_coverage` as two `Estimate`s; see `precision_recall_estimate`."""
    (found,) = _estimates(*_checked(real, generated, k), [_Balls(k, strict)], rounds, seed, level)
    return DensityCoverage(found.density, found.coverage)


def manifold_estimates(
    real: Any, generated: Any, rounds: int = ROUNDS, seed: int = 0, level: float = LEVEL
) -> ManifoldEstimates:
    """Return what `precision_recall_estimate` and `density_coverage_estimate` do, with neighbours looked for once.

    Most of the time goes into the neighbours, so that both together take hardly longer than one of them.
    """
    published = [_Balls(PRECISION_K, strict=False), _Balls(DENSITY_K, strict=True)]
    one, other = _estimates(*_checked(real, generated, DENSITY_K), published, rounds, seed, level)
    return ManifoldEstimates(one.precision, one.recall, other.density, other.coverage)


class _Balls(NamedTuple):
    """Balls that reach to the k-th nearest neighbour; `strict` leaves their border outside."""

    k: int
    strict: bool

    def hold(self, distances: np.ndarray, nearest_ones: np.ndarray, axis: int) -> np.ndarray:
        """Which of the squared distances are within; `nearest_ones (n, k or more)` belong to that axis."""
        reach = np.expand_dims(nearest_ones[:, self.k - 1], 1 - axis)
        if self.strict:
            return distances < reach * (1 - TOLERANCE)
        return distances <= reach * (1 + TOLERANCE)


def _checked(real: Any, generated: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    if k < 1:
        raise NadaError(f"The number of nearest neighbours is {k}; it must be 1 or more.")
    return as_pair(real, generated, NAMES, least=k + 1)


class _Tally:
    """Counts for one kind of balls, tile after tile."""

    def __init__(self, balls: _Balls, real: int, generated: int) -> None:
        self.balls, self.held = balls, np.zeros(generated)
        self.covered, self.recalled = np.zeros(real, dtype=bool), np.zeros(real, dtype=bool)

    def add(self, left: slice, right: slice, between: np.ndarray, near_real: np.ndarray, near_generated: np.ndarray) -> None:
        """Take in the squared distances of some real rows and some generated ones."""
        inside = self.balls.hold(between, near_real[left], axis=0)
        self.held[right] += inside.sum(axis=0)
        self.covered[left] |= inside.any(axis=1)
        self.recalled[left] |= self.balls.hold(between, near_generated[right], axis=1).any(axis=1)

    def scores(self) -> ManifoldEstimates:
        """The four numbers."""
        density = float(self.held.mean() / self.balls.k)
        shares = (float(part.mean()) for part in (self.held > 0, self.recalled, self.covered))
        precision, recall, coverage = shares
        return ManifoldEstimates(precision, recall, density, coverage)


def _scores(real: np.ndarray, generated: np.ndarray, kinds: list[_Balls]) -> list[ManifoldEstimates]:
    furthest = max(balls.k for balls in kinds)
    near = nearest(real, furthest), nearest(generated, furthest)
    tallies = [_Tally(balls, len(real), len(generated)) for balls in kinds]
    for left, right, part, other in tiles(real, generated):
        between = squared_distances(part, other)
        for tally in tallies:
            tally.add(left, right, between, *near)
    return [tally.scores() for tally in tallies]


def _estimates(
    real: np.ndarray, generated: np.ndarray, kinds: list[_Balls], rounds: int, seed: int, level: float
) -> list[ManifoldEstimates]:
    furthest = max(balls.k for balls in kinds)
    if min(len(real), len(generated)) // 2 <= furthest:
        raise NadaError(f"An interval for {furthest} nearest neighbours needs {2 * furthest + 2} pictures of each kind.")
    errors = _errors(real, generated, kinds, rounds, seed)
    counts, method = (len(real), len(generated)), f"{rounds} random halves"
    trials = (len(generated), len(real), None, len(real))
    return [
        ManifoldEstimates(*(_one(*parts, counts, method, level) for parts in zip(values, own, trials)))
        for values, own in zip(_scores(real, generated, kinds), errors)
    ]


def _errors(real: np.ndarray, generated: np.ndarray, kinds: list[_Balls], rounds: int, seed: int) -> np.ndarray:
    """Standard errors `(kinds, 4)`, from random halves of at most `LARGEST` of either set."""
    rng = np.random.default_rng(seed)
    parts = [array[np.sort(rng.permutation(len(array))[:LARGEST])].astype(np.float64) for array in (real, generated)]
    whole = [squared_distances(x, y) for x, y in ((parts[0], parts[0]), (parts[1], parts[1]), parts)]
    furthest = max(balls.k for balls in kinds)

    def half(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        near_real = nearest_within(whole[0][np.ix_(rows, rows)], furthest)
        near_generated = nearest_within(whole[1][np.ix_(columns, columns)], furthest)
        between, everything = whole[2][np.ix_(rows, columns)], slice(None)
        tallies = [_Tally(balls, len(rows), len(columns)) for balls in kinds]
        for tally in tallies:
            tally.add(everything, everything, between, near_real, near_generated)
        return np.array([tally.scores() for tally in tallies])

    errors = subset_errors(half, (len(parts[0]), len(parts[1])), rounds, seed)
    # To the whole sets; the set that was cut less decides, so that the interval is rather too wide.
    return errors * np.sqrt(max(len(parts[0]) / len(real), len(parts[1]) / len(generated)))


def _one(value: float, error: float, trials: int | None, counts: tuple[int, int], method: str, level: float) -> Estimate:
    limits = (0.0, np.inf if trials is None else 1.0)
    estimate = normal_estimate(value, error, counts, method, level, limits)
    return estimate if trials is None else at_least_binomial(estimate, trials)
