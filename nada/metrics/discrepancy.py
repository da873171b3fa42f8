"""Squared maximum mean discrepancy of two sets under a kernel, and how sure it is. Gretton et al. 2012, JMLR 13."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nada.metrics.arrays import Rows, tiles, tiles_within

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class RowSums:
    """What is left of the kernel matrices of `x (N, D)` and `y (M, D)`: all that the estimates below need.

    Attributes:
        xx, yy: for each sample, the sum of its kernel with all others of its own set, without itself.
        xy, yx: for each sample of x (of y), the sum of its kernel with all of the other set.
        selves: sums of each set's kernels of samples with themselves.
    """

    xx: np.ndarray
    yy: np.ndarray
    xy: np.ndarray
    yx: np.ndarray
    selves: tuple[float, float]


def row_sums(x: Rows, y: Rows, kernel: Kernel) -> RowSums:
    """Go through the three kernel matrices tile by tile; none is ever held as a whole."""
    (xx, self_x), (yy, self_y) = _within(x, kernel), _within(y, kernel)
    xy, yx = np.zeros(len(x)), np.zeros(len(y))
    for left, right, part_x, part_y in tiles(x, y):
        values = kernel(part_x, part_y)
        xy[left] += values.sum(axis=1)
        yx[right] += values.sum(axis=0)
    return RowSums(xx, yy, xy, yx, (self_x, self_y))


def _within(x: Rows, kernel: Kernel) -> tuple[np.ndarray, float]:
    sums, selves = np.zeros(len(x)), 0.0
    for left, right, one, other in tiles_within(x):
        values = kernel(one, other)
        if left == right:
            selves += float(np.trace(values))
            np.fill_diagonal(values, 0)
        else:
            sums[right] += values.sum(axis=0)
        sums[left] += values.sum(axis=1)
    return sums, selves


def unbiased(sums: RowSums) -> float:
    """The U-statistic (Gretton et al., equation 3): right on average at any count, and below 0 half the time at 0."""
    n, m = len(sums.xx), len(sums.yy)
    within = sums.xx.sum() / (n * (n - 1)) + sums.yy.sum() / (m * (m - 1))
    return float(within - 2 * sums.xy.sum() / (n * m))


def biased(sums: RowSums) -> float:
    """The V-statistic (equation 5), samples paired with themselves included: never negative, too large at small n."""
    n, m = len(sums.xx), len(sums.yy)
    within = (sums.xx.sum() + sums.selves[0]) / n**2 + (sums.yy.sum() + sums.selves[1]) / m**2
    return float(within - 2 * sums.xy.sum() / (n * m))


def jackknife_variances(sums: RowSums) -> tuple[float, float]:
    """Variance of the U-statistic from leaving out each sample of x, and each of y; on average never too small.

    That the jackknife errs to the safe side is Efron & Stein 1981; it does so by up to a factor of 2 where the two
    distributions agree.
    """
    m, n = len(sums.yy), len(sums.xx)
    return _left_out(sums.xx, sums.xy, m), _left_out(sums.yy, sums.yx, n)


def _left_out(own: np.ndarray, cross: np.ndarray, others: int) -> float:
    n = len(own)
    without = (own.sum() - 2 * own) / ((n - 1) * (n - 2)) - 2 * (cross.sum() - cross) / ((n - 1) * others)
    return float((n - 1) * without.var())
