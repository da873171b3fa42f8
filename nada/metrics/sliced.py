"""The sliced Wasserstein distance of two sets of features (MIND, when they are Inception's).

Rabin et al. 2012; as a score of generators with few samples, MIND, 2026, arXiv:2605.06797.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import BLOCK_BYTES, as_pair, blocks
from nada.metrics.estimates import LEVEL, Estimate, normal_estimate

DIRECTIONS = 1000
SCALE = 3.0
NAMES = ("The first features", "The second features")


def sliced_distance(a: Any, b: Any, directions: int = DIRECTIONS, seed: int = 0) -> float:
    """Return 3 D times the mean, over random directions, of the squared Wasserstein-2 distance of the projections.

    Smaller is better, 0 for equal sets. Unlike the Fréchet distance it sees the shape of the distributions, not two
    moments. It is biased as well, by a term that falls as 1/n, but usable from one or two thousand samples on.
    Sets of different counts are compared exactly, by their quantile functions.

    Args:
        a, b: features `(N, D)` and `(M, D)`; the order of the two makes no difference.
        directions: how many; what their choice adds to the error falls as one over the root of this.
        seed: chooses the directions.
    """
    first, second = _checked(a, b, directions)
    steps = _steps(len(first), len(second))
    total = 0.0
    for axes in _axes(first, second, directions, seed):
        x, y = np.sort(_project(first, axes), axis=0), np.sort(_project(second, axes), axis=0)
        total += float(_cost(x, y, steps).sum())
    return SCALE * first.shape[1] * total / directions


def sliced_estimate(a: Any, b: Any, directions: int = DIRECTIONS, seed: int = 0, level: float = LEVEL) -> Estimate:
    """Return `sliced_distance` with an interval by the infinitesimal jackknife, directions held fixed.

    The distance is biased, and so the interval is for what samples of these counts give on average: use it to compare
    models at the same counts.
    """
    first, second = _checked(a, b, directions)
    steps = _steps(len(first), len(second))
    total, pulls = 0.0, [np.zeros(len(first)), np.zeros(len(second))]
    for axes in _axes(first, second, directions, seed):
        projected = _project(first, axes), _project(second, axes)
        orders = [np.argsort(values, axis=0) for values in projected]
        x, y = (np.take_along_axis(values, order, axis=0) for values, order in zip(projected, orders))
        total += float(_cost(x, y, steps).sum())
        for pull, order, potential in zip(pulls, orders, _potentials(x, y, steps)):
            pull += np.bincount(order.ravel(), potential.ravel(), len(pull))
    scale = SCALE * first.shape[1] / directions
    error = scale * np.sqrt(sum(pull.var(ddof=1) / len(pull) for pull in pulls))
    counts = (len(first), len(second))
    return normal_estimate(scale * total, error, counts, "infinitesimal jackknife", level, (0.0, np.inf))


def _checked(a: Any, b: Any, directions: int) -> tuple[np.ndarray, np.ndarray]:
    if directions < 1:
        raise NadaError(f"The sliced distance needs one direction or more, not {directions}.")
    return as_pair(a, b, NAMES)


def _axes(a: np.ndarray, b: np.ndarray, directions: int, seed: int) -> Iterator[np.ndarray]:
    """Unit vectors as columns, as many at a time as memory allows; how many that is changes none of them."""
    rng = np.random.default_rng(seed)
    at_once = max(1, BLOCK_BYTES // (8 * (len(a) + len(b))))
    for start in range(0, directions, at_once):
        axes = rng.standard_normal((min(at_once, directions - start), a.shape[1]))
        yield (axes / np.linalg.norm(axes, axis=1, keepdims=True)).T


def _project(array: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return np.concatenate([block @ axes for _, block in blocks(array)])


@dataclass(frozen=True)
class _Steps:
    """Where the two quantile functions are constant: for each step the sample of either set, and its width."""

    x: np.ndarray
    y: np.ndarray
    width: np.ndarray


def _steps(n: int, m: int) -> _Steps:
    # Whole numbers, in units of 1 / (n m), so that a common step of both is one and not two.
    edges = np.union1d(np.arange(n + 1) * m, np.arange(m + 1) * n)
    return _Steps(edges[:-1] // m, edges[:-1] // n, np.diff(edges) / (n * m))


def _cost(x: np.ndarray, y: np.ndarray, steps: _Steps) -> np.ndarray:
    return steps.width @ np.square(x[steps.x] - y[steps.y])


def _potentials(x: np.ndarray, y: np.ndarray, steps: _Steps) -> tuple[np.ndarray, np.ndarray]:
    """The dual of the transport in one dimension: the derivative of the cost after the weight of each sorted sample.

    Along the steps, f(x) + g(y) = (x - y)² holds; where both sets go on to their next sample at once, the change is
    split as the mean of the two orders in which they could.
    """
    a, b, c, d = x[steps.x[:-1]], x[steps.x[1:]], y[steps.y[:-1]], y[steps.y[1:]]
    rise = (b - a) * (b + a - c - d)  # mean of (b - c)² - (a - c)² and (b - d)² - (a - d)²
    fall = (d - c) * (d + c - a - b)
    f, g = np.zeros_like(x), np.zeros_like(y)
    moved_x, moved_y = np.diff(steps.x) > 0, np.diff(steps.y) > 0
    f[1:] = np.cumsum(rise[moved_x], axis=0)
    g[1:] = np.cumsum(fall[moved_y], axis=0)
    return f, g
