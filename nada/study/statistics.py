"""From the few numbers of a study to what they say: means with intervals, paired differences, corrected p-values.

A study has few seeds, three as a rule. Intervals are Student's then, which are wide where n is small and are not given
where n is 1; a bootstrap of three numbers would be far too narrow. All is computed in float64.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from nada.study.student import t_quantile, t_two_sided

LEVEL = 0.95
MOST_FLIPPED = 16  # differences whose signs are all flipped: 32 thousand sums
Key = TypeVar("Key")


@dataclass(frozen=True)
class Spread:
    """The mean of `n` numbers; `low` and `high` are Student's 95 % interval, `std` the sample's spread (n - 1).

    With n = 1 there is neither; with n = 0 there is no mean. The interval ends where the possible values end.
    """

    n: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    std: float | None = None

    @property
    def reach(self) -> float | None:
        """How far Student's interval reaches to both sides, wherever the possible values end."""
        return None if self.std is None else t_quantile(LEVEL, self.n - 1) * self.std / math.sqrt(self.n)

    def to_dict(self) -> dict[str, Any]:
        """The whole of it for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Differences between two policies on matched cells, a number per seed: their spread, and how surprising they are if
    nothing differs.

    Attributes:
        difference: mean, interval and n of the differences.
        p_t: two-sided, of the paired t-test; None where it has none (n < 2, or differences that are all equal).
        p_flip: two-sided and exact, over all ways to flip the differences' signs (Fisher 1935, Pitman 1937); it is
            never below 2 / 2**n. None where n is 0 or more than 16.
        p_holm: `p_t` corrected for the policies that are compared at once (Holm 1979).
        p_flip_holm: the same for `p_flip`.
    """

    difference: Spread
    p_t: float | None = None
    p_flip: float | None = None
    p_holm: float | None = None
    p_flip_holm: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The whole of it for JSON."""
        return asdict(self)


def spread(values: Sequence[float], within: tuple[float, float] = (-math.inf, math.inf)) -> Spread:
    """Return mean and interval of the finite numbers among `values`; the others are not counted in n.

    Args:
        within: the least and the largest value that is possible.
    """
    finite = [float(value) for value in values if math.isfinite(value)]
    n = len(finite)
    if n == 0:
        return Spread(0)
    mean = math.fsum(finite) / n
    if n == 1:
        return Spread(1, mean)
    # Equal numbers must have no spread at all, which the rounding of their mean would give them.
    equal = min(finite) == max(finite)
    std = 0.0 if equal else math.sqrt(math.fsum((value - mean) ** 2 for value in finite) / (n - 1))
    reach = t_quantile(LEVEL, n - 1) * std / math.sqrt(n)
    return Spread(n, mean, max(mean - reach, within[0]), min(mean + reach, within[1]), std)


def paired_t(differences: Sequence[float]) -> float | None:
    """Return the two-sided p-value of the paired t-test; None for fewer than two or for all equal differences."""
    found = spread(differences)
    if found.n < 2 or not found.std:
        return None
    return t_two_sided(found.mean / (found.std / math.sqrt(found.n)), found.n - 1)


def sign_flip(differences: Sequence[float]) -> float | None:
    """Return the share of all sign patterns whose sum is at least as far from 0; None for none or more than 16."""
    values = np.array([value for value in differences if math.isfinite(value)], np.float64)
    if not 1 <= len(values) <= MOST_FLIPPED:
        return None
    sums = np.zeros(1)
    for value in values[1:]:  # the first sign can stay: flipping all changes no distance from 0
        sums = np.concatenate([sums + value, sums - value])
    sums = np.abs(sums + values[0])
    # Sums that are equal by arithmetic may differ in their last digits.
    slack = 1e-12 * np.abs(values).sum()
    return float((sums >= abs(values.sum()) - slack).mean())


def least_flipped(n: int) -> float:
    """The smallest p-value that `sign_flip` of `n` differences can have: with 5 or fewer none is below 0.05."""
    return 2 / 2**n


def compare(differences: Sequence[float]) -> Comparison:
    """Return what matched differences say, not yet corrected for other comparisons."""
    return Comparison(spread(differences), paired_t(differences), sign_flip(differences))


def holm(p_values: Mapping[Key, float | None]) -> dict[Key, float | None]:
    """Return p-values corrected for being several (Holm 1979); None stays None and does not count as one."""
    tested = sorted(((p, key) for key, p in p_values.items() if p is not None), key=lambda pair: pair[0])
    corrected: dict[Key, float | None] = dict.fromkeys(p_values)
    largest = 0.0
    for rank, (p, key) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        corrected[key] = largest
    return corrected


def corrected(comparisons: Mapping[Key, Comparison]) -> dict[Key, Comparison]:
    """Return the comparisons with their p-values corrected for each other."""
    t = holm({key: found.p_t for key, found in comparisons.items()})
    flip = holm({key: found.p_flip for key, found in comparisons.items()})
    return {
        key: Comparison(found.difference, found.p_t, found.p_flip, t[key], flip[key]) for key, found in comparisons.items()
    }
