"""Kernel distances against loops over pairs, and what their intervals hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import clip_mmd, clip_mmd_estimate, kernel_distance, kernel_estimate
from nada.metrics.discrepancy import RowSums, jackknife_variances, row_sums, unbiased


def by_loops(x: np.ndarray, y: np.ndarray, kernel: Callable[[np.ndarray, np.ndarray], float], selves: bool) -> float:
    def mean(one: np.ndarray, other: np.ndarray, same: bool) -> float:
        values = [kernel(p, q) for i, p in enumerate(one) for j, q in enumerate(other) if selves or not same or i != j]
        return sum(values) / len(values)

    return mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False)


def gaussian(p: np.ndarray, q: np.ndarray) -> float:
    return float(np.exp(-np.square(p - q).sum() / 200))


def draws(seed: int, n: int = 9, m: int = 7, d: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.4


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_kernel_distance_is_the_unbiased_sum_over_pairs(degree: int) -> None:
    """Fails with pairs of a sample with itself, another gamma, or degree + 1."""
    x, y = draws(0)
    truth = by_loops(x, y, lambda p, q: float((p @ q / 5 + 1) ** degree), selves=False)
    assert kernel_distance(x, y, subset_size=None, degree=degree) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("unbiased_form", [False, True])
def test_clip_mmd_is_the_published_sum(unbiased_form: bool) -> None:
    """Fails where embeddings are not made unit length, sigma is not 10, or the scale is not 1000."""
    x, y = draws(1)
    rows = [array / np.linalg.norm(array, axis=1, keepdims=True) for array in (x, y)]
    truth = 1000 * by_loops(*rows, gaussian, selves=not unbiased_form)
    assert clip_mmd(x, y, unbiased_form) == pytest.approx(truth, rel=1e-9)


def test_equal_sets() -> None:
    """The published form is 0, the unbiased one below: what it takes off for equal distributions it takes off here."""
    x, _ = draws(2)
    assert clip_mmd(x, x) == pytest.approx(0, abs=1e-9)
    assert clip_mmd(x, x, unbiased_form=True) < 0


def test_tiles_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a mirrored tile is forgotten or counted twice, or the diagonal of one is not left out."""
    x, y = draws(3, 23, 17)

    def sums(side: int) -> RowSums:
        monkeypatch.setattr("nada.metrics.arrays.TILE", side)
        return row_sums(x, y, lambda p, q: p @ q.T + 1)

    whole, cut = sums(100), sums(6)
    for name in ("xx", "yy", "xy", "yx", "selves"):
        np.testing.assert_allclose(getattr(cut, name), getattr(whole, name), rtol=1e-12)


def test_the_jackknife_leaves_out_one_sample_at_a_time() -> None:
    x, y = draws(4)

    def value(a: np.ndarray, b: np.ndarray) -> float:
        return unbiased(row_sums(a, b, lambda p, q: (p @ q.T / 5 + 1) ** 3))

    found = jackknife_variances(row_sums(x, y, lambda p, q: (p @ q.T / 5 + 1) ** 3))
    without_x = [value(np.delete(x, i, axis=0), y) for i in range(9)]
    without_y = [value(x, np.delete(y, i, axis=0)) for i in range(7)]
    assert found == pytest.approx((8 * np.var(without_x), 6 * np.var(without_y)), rel=1e-10)


def test_subsets_are_seeded_and_drawn_without_replacement() -> None:
    x, y = draws(5, 40, 30)
    first = kernel_distance(x, y, subsets=5, subset_size=10, seed=1)
    assert first == kernel_distance(x, y, subsets=5, subset_size=10, seed=1)
    assert first != kernel_distance(x, y, subsets=5, subset_size=10, seed=2)
    # All samples at once are one subset, in whatever order: copies among them would change the number.
    whole = kernel_distance(x[:30], y, subsets=5, subset_size=30)
    assert whole == pytest.approx(kernel_distance(x[:30], y, subset_size=None), rel=1e-12)


@pytest.mark.parametrize("subset_size", [None, 30])
def test_all_at_once_has_no_spread_over_subsets(subset_size: int | None) -> None:
    """Fails where the spread of a single value is written down as 0, which reads as a distance that is sure."""
    x, y = draws(5, 30, 30)
    found = kernel_estimate(x, y, subset_size=subset_size)
    assert found.std is None and found.method == "jackknife, all at once" and found.low < found.value < found.high
    assert kernel_estimate(x, y, 1, 20).std is None and kernel_estimate(x, y, 2, 20).std > 0


def test_a_set_that_is_taken_whole_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a large reference, mapped from a file, is brought into memory with every subset of the other."""
    seen = []
    monkeypatch.setattr(
        "nada.metrics.kernel.row_sums", lambda x, y, kernel: (seen.append((x, y)), row_sums(x, y, kernel))[1]
    )
    x, y = draws(5, 20, 30)
    kernel_estimate(x, y, 3, 20)
    assert len(seen) == 3 and all(a is x and len(b) == 20 for a, b in seen)


@pytest.mark.parametrize("subset_size", [None, 30])
def test_the_interval_holds_the_distance_of_the_distributions(subset_size: int | None) -> None:
    """Shifted by 0.5 in 4 dimensions under the linear kernel, the truth is 4 · 0.5² / 4 = 0.25, at any count."""
    rng = np.random.default_rng(6)
    found = [
        kernel_estimate(
            rng.normal(size=(80, 4)), rng.normal(size=(60, 4)) + 0.5, subsets=20, subset_size=subset_size, degree=1
        )
        for _ in range(100)
    ]
    assert np.mean([estimate.value for estimate in found]) == pytest.approx(0.25, abs=0.03)
    assert 89 <= sum(estimate.low <= 0.25 <= estimate.high for estimate in found) <= 100
    spread = np.std([estimate.value for estimate in found])
    assert np.mean([estimate.high - estimate.low for estimate in found]) / 3.92 < 1.5 * spread


def test_clip_mmd_interval_holds_what_the_count_gives() -> None:
    rng = np.random.default_rng(7)
    found = [clip_mmd_estimate(rng.normal(size=(60, 4)), rng.normal(size=(50, 4)) + 0.5) for _ in range(100)]
    mean = np.mean([estimate.value for estimate in found])
    assert 88 <= sum(estimate.low <= mean <= estimate.high for estimate in found)
    assert all(estimate.low >= 0 for estimate in found)


def test_a_reference_smaller_than_the_subsets_is_refused() -> None:
    x, y = draws(8, 50, 20)
    with pytest.raises(NadaError, match="The second features are 20, fewer than the subset size 40"):
        kernel_distance(x, y, subset_size=40)
    with pytest.raises(NadaError, match="degree of the kernel is 0; it must be 1 or more"):
        kernel_distance(x, y, subset_size=10, degree=0)
    with pytest.raises(NadaError, match="one subset or more of 3 or more, not 10 of 2"):
        kernel_distance(x, y, subset_size=2, subsets=10)
