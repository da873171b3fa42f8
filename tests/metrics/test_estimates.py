"""Intervals in general: that they hold what they should as often as they say, and the same numbers each time."""

from __future__ import annotations

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import Estimate, mean_estimate
from nada.metrics.estimates import at_least_binomial, normal_estimate, resampled_counts, subset_errors


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_of_means_hold_the_truth_as_often_as_they_say(level: float) -> None:
    """Exponential values, mean 1; fails where the level is taken for one tail, or the spread is not divided by n."""
    rng = np.random.default_rng(0)
    found = [mean_estimate(rng.exponential(size=80), level, rounds=300, seed=seed) for seed in range(400)]
    assert sum(item.low <= 1 <= item.high for item in found) / 400 == pytest.approx(level, abs=0.04)


def test_rounds_are_seeded_and_in_blocks_the_same_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=50)
    first = mean_estimate(values, seed=4)
    assert first == mean_estimate(values, seed=4) != mean_estimate(values, seed=5)
    monkeypatch.setattr("nada.metrics.estimates.BLOCK_BYTES", 8 * 50 * 7)
    counts = list(resampled_counts(50, 30, seed=0))
    assert [len(block) for block in counts] == [7, 7, 7, 7, 2]
    assert all((block.sum(axis=1) == 50).all() for block in counts)


def test_a_normal_interval_stays_within_what_is_possible() -> None:
    found = normal_estimate(0.9, 0.2, (10,), "test", within=(0, 1))
    assert (found.low, found.high) == (pytest.approx(0.9 - 1.959964 * 0.2), 1)
    assert str(normal_estimate(0.5, 0.1, (10,), "test")) == "0.5 [0.304, 0.696]"


def test_a_share_is_no_surer_than_independent_trials() -> None:
    """Wilson's interval for 0 of 10 is 0 to 0.2775, for 5 of 10 it is 0.2366 to 0.7634."""
    none = at_least_binomial(Estimate(0, 0, 0, 0.95, (10,), "test"), 10)
    assert (none.low, none.high) == (0, pytest.approx(0.2775, abs=1e-4))
    half = at_least_binomial(Estimate(0.5, 0.5, 0.9, 0.95, (10,), "test"), 10)
    assert (half.low, half.high) == (pytest.approx(0.2366, abs=1e-4), 0.9)


@pytest.mark.parametrize("n", [40, 41])
def test_halves_give_the_error_of_a_mean(n: int) -> None:
    values = np.random.default_rng(2).normal(size=n)
    error = subset_errors(lambda rows: values[rows].mean(), (n,), rounds=4000, seed=0)
    assert float(error) == pytest.approx(values.std(ddof=1) / np.sqrt(n), rel=0.05)


def test_what_gives_no_interval_is_refused() -> None:
    with pytest.raises(NadaError, match="level of an interval is 95; it must lie between 0 and 1"):
        mean_estimate([1.0, 2], level=95)
    with pytest.raises(NadaError, match="1 rounds gives no interval"):
        mean_estimate([1.0, 2], rounds=1)
    with pytest.raises(NadaError, match="at least 4 samples; there are 3"):
        subset_errors(lambda rows: rows.mean(), (9, 3), 20, 0)
    with pytest.raises(NadaError, match="1 subsets give no interval"):
        subset_errors(lambda rows: rows.mean(), (9,), 1, 0)
