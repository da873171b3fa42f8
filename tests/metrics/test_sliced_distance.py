"""The sliced Wasserstein distance against closed forms, counts that differ, and its interval."""

from __future__ import annotations

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import sliced_distance, sliced_estimate


def test_a_shift_is_the_closed_form() -> None:
    """In one direction a shift by s costs (u·s)², on average |s|² / D, times 3 D: 3 |s|². Fails for a wrong scale."""
    a = np.random.default_rng(0).normal(size=(30, 6))
    shift = np.array([1.0, 0, -2, 0, 0, 0.5])
    assert sliced_distance(a, a + shift, directions=40000) == pytest.approx(3 * 5.25, rel=0.02)
    assert sliced_distance(a, a[::-1]) == pytest.approx(0, abs=1e-20)


def test_one_dimension_is_the_mean_squared_difference_of_the_sorted() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(50, 1)), rng.normal(2, 3, (50, 1))
    truth = 3 * np.square(np.sort(a[:, 0]) - np.sort(b[:, 0])).mean()
    assert sliced_distance(a, b, directions=3) == pytest.approx(truth, rel=1e-12)


def test_counts_that_differ_are_compared_by_their_quantiles() -> None:
    """Repeating every sample changes no distribution: 6 and 4 samples cost what their 12 and 12 copies cost."""
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(6, 3)), rng.normal(size=(4, 3)) + 1
    whole = sliced_distance(a.repeat(2, axis=0), b.repeat(3, axis=0))
    assert sliced_distance(a, b) == pytest.approx(whole, rel=1e-12)
    assert sliced_distance(b, a) == pytest.approx(whole, rel=1e-12)


def test_blocks_of_directions_are_the_same_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(20, 3)), rng.normal(size=(15, 3))
    whole = sliced_distance(a, b, directions=50)
    monkeypatch.setattr("nada.metrics.sliced.BLOCK_BYTES", 8 * 35 * 7)
    assert sliced_distance(a, b, directions=50) == pytest.approx(whole, rel=1e-12)
    assert sliced_estimate(a, b, directions=50).value == pytest.approx(whole, rel=1e-12)
    assert sliced_distance(a, b, directions=50, seed=1) != pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("n, m", [(40, 40), (40, 30)])
def test_the_interval_is_the_derivative_after_each_weight(n: int, m: int) -> None:
    """One more copy of a sample among many of each moves the distance as the dual of the transport says."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(n, 1)) + 1, rng.normal(size=(m, 1))
    copies = 60
    whole = sliced_distance(a, b, directions=1)
    variance = 0.0
    for first, second in ((a, b), (b, a)):
        moved = []
        for index in range(len(first)):
            more = np.concatenate([first.repeat(copies, axis=0), first[[index]]])
            moved.append((sliced_distance(more, second, directions=1) - whole) * (copies * len(first) + 1))
        variance += np.var(moved, ddof=1) / len(first)
    found = sliced_estimate(a, b, directions=1)
    assert (found.high - found.value) / 1.959964 == pytest.approx(np.sqrt(variance), rel=0.05)


def test_the_interval_holds_what_the_count_gives() -> None:
    rng = np.random.default_rng(5)
    found = [sliced_estimate(rng.normal(size=(80, 4)), rng.normal(size=(70, 4)) + 0.5, directions=30) for _ in range(100)]
    mean = np.mean([estimate.value for estimate in found])
    assert 88 <= sum(estimate.low <= mean <= estimate.high for estimate in found) <= 99


def test_no_direction_is_refused() -> None:
    with pytest.raises(NadaError, match="one direction or more, not 0"):
        sliced_distance(np.eye(3), np.eye(3), directions=0)
