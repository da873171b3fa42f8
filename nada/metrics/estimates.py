"""A number with its interval, and the three ways in which intervals are made here.

`bootstrap`: samples drawn again with replacement (Efron 1979), percentiles. For means over samples and over pairs.
`jackknife`: how much each sample moves the result (Quenouille 1956; its infinitesimal form, Jaeckel 1972), and a
    normal interval from that. For distances between sets, where drawing with replacement would make a set look
    further from everything than it is, so that percentiles need not even hold the value itself.
`subsets`: the spread over random subsets without replacement, scaled to the whole (the delete-d jackknife, Shao &
    Wu 1989). For what depends on nearest neighbours, which copies of a sample would spoil.

An interval says how far the same number could lie if other pictures of the same kind had been drawn. It knows nothing
of another extractor, another prompt, or training again with another seed; and where a statistic is biased at this n,
it is an interval for what this n gives on average, not for what infinitely many pictures would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import BLOCK_BYTES, as_array

LEVEL = 0.95
ROUNDS = 1000


@dataclass(frozen=True)
class Estimate:
    """A measured number.

    Attributes:
        value: the number.
        low, high: the interval around it.
        level: how often such intervals are meant to hold what they are for; 0.95 as a rule.
        n: how many samples each of the sets had.
        method: how the interval was made, in words.
        std: the spread over subsets or splits that the literature prints behind ±, where it does; this is not the
            uncertainty of the value.
    """

    value: float
    low: float
    high: float
    level: float
    n: tuple[int, ...]
    method: str
    std: float | None = None

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


def check_level(level: float) -> float:
    """Return `level`, or raise a NadaError where it is not between 0 and 1."""
    if not 0 < level < 1:
        raise NadaError(f"The level of an interval is {level}; it must lie between 0 and 1, as in 0.95.")
    return level


def normal_estimate(
    value: float,
    error: float,
    n: tuple[int, ...],
    method: str,
    level: float = LEVEL,
    within: tuple[float, float] = (-np.inf, np.inf),
    std: float | None = None,
) -> Estimate:
    """Return `value` ± as many standard errors as a normal distribution asks for, kept within what is possible."""
    reach = NormalDist().inv_cdf((1 + check_level(level)) / 2) * float(error)
    low, high = max(value - reach, within[0]), min(value + reach, within[1])
    return Estimate(float(value), float(low), float(high), level, n, method, std)


def at_least_binomial(estimate: Estimate, trials: int) -> Estimate:
    """Widen the interval of a share to that of independent trials (Wilson 1927), which is never of width 0."""
    z = NormalDist().inv_cdf((1 + estimate.level) / 2)
    share, spread = estimate.value, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    reach = np.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return replace(
        estimate,
        low=float(min(estimate.low, max(middle - reach, 0.0), share)),
        high=float(max(estimate.high, min(middle + reach, 1.0), share)),
    )


def percentile_estimate(value: float, drawn: np.ndarray, n: tuple[int, ...], level: float = LEVEL) -> Estimate:
    """Return `value` with the percentiles of what the rounds of a bootstrap gave."""
    tail = (1 - check_level(level)) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    # With very few samples all rounds can miss what the whole gives.
    low, high = min(low, value), max(high, value)
    return Estimate(float(value), float(low), float(high), level, n, f"bootstrap, {len(drawn)} rounds")


def resampled_counts(n: int, rounds: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each of `n` samples is drawn in each round of a bootstrap: (some rounds, n) at a time."""
    if rounds < 2:
        raise NadaError(f"A bootstrap of {rounds} rounds gives no interval; use 100 or more.")
    rng = np.random.default_rng(seed)
    at_once = max(1, BLOCK_BYTES // (8 * n))
    for start in range(0, rounds, at_once):
        count = min(at_once, rounds - start)
        drawn = rng.integers(n, size=(count, n)) + n * np.arange(count)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n).astype(np.float64)


def mean_estimate(values: Any, level: float = LEVEL, rounds: int = ROUNDS, seed: int = 0) -> Estimate:
    """Return the mean of one number per sample, `values (N,)`, with a bootstrap interval (Efron 1979).

    For everything that is an average over pictures: a cosine, an LPIPS distance between pairs of the same latent.
    The pictures must have been drawn independently of each other.
    """
    array = as_array(values, "The values", ndim=1).astype(np.float64)
    drawn = [counts @ array / len(array) for counts in resampled_counts(len(array), rounds, seed)]
    return percentile_estimate(float(array.mean()), np.concatenate(drawn), (len(array),), level)


def subset_errors(statistic: Callable[..., np.ndarray], sizes: tuple[int, ...], rounds: int, seed: int) -> np.ndarray:
    """Return the standard errors of a statistic from its spread over random halves (delete-d jackknife, d = n / 2).

    With halves the factor that leads from the spread of subsets to that of the whole is 1.

    Args:
        statistic: takes one index array per set, gives one number or several.
        sizes: how many samples each set has.
    """
    if rounds < 2:
        raise NadaError(f"{rounds} subsets give no interval; use 20 or more.")
    if min(sizes) < 4:
        raise NadaError(f"An interval from halves needs at least 4 samples; there are {min(sizes)}.")
    rng = np.random.default_rng(seed)
    drawn = [statistic(*(np.sort(rng.permutation(size)[: size // 2]) for size in sizes)) for _ in range(rounds)]
    shares = [(size // 2) / (size - size // 2) for size in sizes]
    return np.std(drawn, axis=0, ddof=1) * np.sqrt(max(shares))
