"""The collapse detector on generators that collapsed, half collapsed, changed their style, and did nothing."""

from __future__ import annotations

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import (
    compactness,
    detect_collapse,
    duplicate_share,
    effective_dimension,
    prompt_diversity,
    retained_diversity,
    retained_diversity_estimate,
)


def pictures(n: int = 200, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, 16)) + 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_compactness_is_the_sum_of_squares() -> None:
    rows = pictures(30)
    truth = np.square(rows - rows.mean(axis=0)).sum()
    assert compactness(5 * rows) == pytest.approx(truth, rel=1e-12)
    assert truth == pytest.approx(29 * prompt_diversity(rows), rel=1e-12)


def test_effective_dimension_counts_axes() -> None:
    """Pairs of opposite unit vectors along 5 axes of 16: five; and none for a single picture made many times."""
    axes = np.concatenate([np.eye(16)[:5], -np.eye(16)[:5]])
    assert effective_dimension(axes) == pytest.approx(5, rel=1e-12)
    assert effective_dimension(axes.repeat(4, axis=0)) == pytest.approx(5, rel=1e-12)  # more rows than columns
    assert effective_dimension(pictures(1).repeat(7, axis=0)) == 0
    rows = pictures(60)
    values = np.linalg.eigvalsh(np.cov(rows.T))
    assert effective_dimension(rows) == pytest.approx(values.sum() ** 2 / np.square(values).sum(), rel=1e-9)


def test_retained_diversity_is_a_ratio_of_spreads() -> None:
    before = pictures()
    assert retained_diversity(before, before) == pytest.approx(1, rel=1e-12)
    assert retained_diversity(before, before[:1].repeat(200, axis=0)) == pytest.approx(0, abs=1e-12)
    after = before + 2 * before.mean(axis=0)
    assert retained_diversity(before, after) == pytest.approx(compactness(after) / compactness(before), rel=1e-12)
    with pytest.raises(NadaError, match="all alike"):
        retained_diversity(np.ones((5, 3)), np.eye(5, 3) + 1)


def test_the_same_latents_are_drawn_for_both() -> None:
    """Turning all embeddings changes no ratio in any round; fails where the two sets are drawn apart."""
    before = pictures()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(16, 16)))[0]
    found = retained_diversity_estimate(before, before @ turn)
    assert found.high - found.low < 1e-9


def test_duplicates_are_counted_against_what_is_usual() -> None:
    before = pictures()
    assert duplicate_share(before, before) == pytest.approx(0.05, abs=0.02)
    assert duplicate_share(before, before[np.arange(200) % 100]) == 1
    half = before.copy()
    half[:100] = before[0]
    assert duplicate_share(before, half) == pytest.approx(0.5 + 0.5 * 0.05, abs=0.03)


def test_verdicts() -> None:
    """A generator that moved to another place, or lost a third, did not collapse; one or a few pictures for all did."""
    before = pictures()
    few = before[np.arange(200) % 8] + 1e-3 * pictures(seed=2)
    almost_one = before[:1] + 0.3 * (before - before.mean(axis=0))
    plainer = before - 0.2 * (before - before.mean(axis=0))
    turned = before @ np.linalg.qr(np.random.default_rng(1).normal(size=(16, 16)))[0]
    assert detect_collapse(before, almost_one).collapsed
    assert detect_collapse(before, few).collapsed
    assert detect_collapse(before, few).diversity.low > 0.5  # only the duplicates tell
    assert detect_collapse(before, few).dimensions[1] < 8 < detect_collapse(before, few).dimensions[0]
    for kept in (before, plainer, turned):
        assert not detect_collapse(before, kept).collapsed
    assert detect_collapse(before, plainer, least_diversity=0.9).collapsed


def test_the_interval_of_the_ratio_holds_the_truth() -> None:
    """Noise of 0.5 and of 0.4 on sixteen axes around a far mean: the ratio of spreads is 0.64, nearly."""
    rng = np.random.default_rng(3)
    hits = 0
    for seed in range(60):
        noise = rng.normal(size=(60, 16))
        before, after = 100 + 0.5 * noise, 100 + 0.4 * rng.permutation(noise)
        found = retained_diversity_estimate(before, after, rounds=300, seed=seed)
        hits += found.low <= 0.64 <= found.high
    assert hits == 60  # the same noise in another order has the same spread
    hits = 0
    for seed in range(60):
        before, after = 100 + 0.5 * rng.normal(size=(60, 16)), 100 + 0.4 * rng.normal(size=(60, 16))
        found = retained_diversity_estimate(before, after, rounds=300, seed=seed)
        hits += found.low <= 0.64 <= found.high
    assert hits >= 51
