"""What stays of the arrangement of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import neighbour_overlap, neighbour_overlap_estimate


def by_loops(before: np.ndarray, after: np.ndarray, k: int) -> float:
    def nearest(rows: np.ndarray) -> list[set[int]]:
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        everyone = range(len(rows))
        return [set(sorted(set(everyone) - {i}, key=lambda j: -rows[i] @ rows[j])[:k]) for i in everyone]

    return float(np.mean([len(p & q) / k for p, q in zip(nearest(before), nearest(after))]))


@pytest.mark.parametrize("k", [1, 4])
def test_it_is_the_loop(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a picture is its own neighbour, or neighbours found in an earlier tile are misnumbered."""
    rng = np.random.default_rng(k)
    before = rng.normal(size=(31, 4))
    after = before + 0.5 * rng.normal(size=(31, 4))
    truth = by_loops(before, after, k)
    assert 0.1 < truth < 0.9
    assert neighbour_overlap(before, after, k) == pytest.approx(truth, rel=1e-12)
    monkeypatch.setattr("nada.metrics.arrays.TILE", 7)
    assert neighbour_overlap(before, after, k) == pytest.approx(truth, rel=1e-12)


def test_a_rotation_keeps_all_and_a_shuffle_what_chance_gives() -> None:
    rng = np.random.default_rng(0)
    before = rng.normal(size=(200, 6))
    turned = before @ np.linalg.qr(rng.normal(size=(6, 6)))[0] * 3
    assert neighbour_overlap(before, turned) == 1
    assert neighbour_overlap(before, rng.permutation(before)) == pytest.approx(10 / 199, abs=0.02)


def test_the_interval_holds_what_the_count_gives() -> None:
    rng = np.random.default_rng(3)
    found = []
    for seed in range(100):
        before = rng.normal(size=(80, 4))
        after = before + 0.4 * rng.normal(size=(80, 4))
        found.append(neighbour_overlap_estimate(before, after, k=5, rounds=20, seed=seed))
    mean, spread = np.mean([item.value for item in found]), np.std([item.value for item in found])
    assert 88 <= sum(item.low <= mean <= item.high for item in found)
    assert np.mean([item.high - item.low for item in found]) / 3.92 < 2 * spread


def test_more_neighbours_than_pictures_are_refused() -> None:
    with pytest.raises(NadaError, match="5 pictures do not have 10 nearest neighbours each; use 1 to 4"):
        neighbour_overlap(np.eye(5), np.eye(5))
    with pytest.raises(NadaError, match="needs 12 pictures; there are 11"):
        neighbour_overlap_estimate(np.eye(11), np.eye(11), k=5)
