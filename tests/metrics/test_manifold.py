"""Precision, recall, density and coverage against loops, and on sets whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import (
    density_coverage,
    density_coverage_estimate,
    manifold,
    manifold_estimates,
    precision_recall,
    precision_recall_estimate,
)
from nada.metrics.distances import squared_distances


def by_loops(real: np.ndarray, fake: np.ndarray, k: int, strict: bool) -> tuple[float, float, float, float]:
    def radii(rows: np.ndarray) -> list[float]:
        return [sorted(np.linalg.norm(rows - row, axis=1))[k] for row in rows]  # the first is the row itself

    def holds(distance: float, radius: float) -> bool:
        return distance < radius if strict else distance <= radius

    reach_real, reach_fake = radii(real), radii(fake)
    inside = np.array([[holds(np.linalg.norm(x - y), r) for y in fake] for x, r in zip(real, reach_real)])
    other = np.array([[holds(np.linalg.norm(x - y), r) for x in real] for y, r in zip(fake, reach_fake)])
    return inside.any(axis=0).mean(), other.any(axis=0).mean(), inside.sum() / k / len(fake), inside.any(axis=1).mean()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("k", [1, 3])
def test_they_are_the_loops(k: int, strict: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where k counts the picture itself, the balls are of the wrong set, or tiles are put together wrongly."""
    rng = np.random.default_rng(k)
    real, fake = rng.normal(size=(23, 3)), rng.normal(size=(17, 3)) + 0.7
    monkeypatch.setattr("nada.metrics.arrays.TILE", 5)
    found = (*precision_recall(real, fake, k, strict), *density_coverage(real, fake, k, strict))
    assert found == pytest.approx(by_loops(real, fake, k, strict), rel=1e-12)


def test_all_four_at_once_are_those_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where the neighbours of one k are taken for those of the other, or the border of one kind for the other's."""
    rng = np.random.default_rng(6)
    real, fake = rng.normal(size=(70, 3)).round(1), rng.normal(size=(50, 3)).round(1)  # with distances that are equal
    together = manifold_estimates(real, fake, rounds=20, seed=4)
    one_by_one = (
        precision_recall_estimate(real, fake, rounds=20, seed=4),
        density_coverage_estimate(real, fake, rounds=20, seed=4),
    )
    assert tuple(together) == (*one_by_one[0], *one_by_one[1])
    looked_for = []
    nearest = manifold.nearest
    monkeypatch.setattr(manifold, "nearest", lambda rows, k: looked_for.append(k) or nearest(rows, k))
    manifold_estimates(real, fake, rounds=5)
    assert looked_for == [5, 5]


def test_the_border_of_a_ball() -> None:
    """Real pictures at 0, 1, 2 and k = 1: radius 1. A generated one at 3 lies on the border of the last."""
    real, fake = np.array([[0.0], [1.0], [2.0]]), np.array([[3.0], [9.0]])
    assert precision_recall(real, fake, k=1).precision == 0.5
    assert precision_recall(real, fake, k=1, strict=True).precision == 0
    assert density_coverage(real, fake, k=1) == (0, 0)
    assert density_coverage(real, fake, k=1, strict=False) == (0.5, pytest.approx(1 / 3))


def test_fidelity_and_diversity_are_told_apart() -> None:
    """All generated pictures of one of two modes: good precision, bad recall; and the other way round."""
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(60, 2)), rng.normal(size=(60, 2)) + 50
    both = np.concatenate([left, right])
    more = rng.normal(size=(120, 2))
    assert precision_recall(both, more).precision > 0.9 and precision_recall(both, more).recall < 0.55
    assert precision_recall(more, both).precision < 0.55 and precision_recall(more, both).recall > 0.9
    assert density_coverage(both, more).coverage < 0.55


def test_equal_sets_and_far_sets() -> None:
    """Also fails where the rounding of two equal distances decides: each border is met exactly."""
    a = np.random.default_rng(1).normal(size=(300, 40)).astype(np.float32) + 10
    assert precision_recall(a, a) == (1, 1)
    assert density_coverage(a, a) == density_coverage(a, a[::-1]) == (1, 1)
    assert (*precision_recall(a, a + 100), *density_coverage(a, a + 100)) == (0, 0, 0, 0)


def test_rows_that_are_equal_have_distance_zero() -> None:
    """Fails where |x|² + |y|² - 2 x·y leaves its rounding, which is more than nothing for features far from 0."""
    a = np.random.default_rng(5).normal(size=(60, 40)) + 1000
    found = squared_distances(a, a[::-1].copy())
    assert (np.diag(found[:, ::-1]) == 0).all()
    truth = np.square(a[:, None] - a[None, ::-1]).sum(axis=-1)
    np.testing.assert_allclose(found, truth, rtol=1e-6)


def test_the_intervals_hold_what_the_count_gives() -> None:
    rng = np.random.default_rng(2)
    pairs = [(rng.normal(size=(120, 3)), 0.8 * rng.normal(size=(100, 3)) + 0.6) for _ in range(40)]
    for measure in (precision_recall_estimate, density_coverage_estimate):
        found = [measure(real, fake, rounds=30) for real, fake in pairs]
        for estimates in zip(*found):
            mean, spread = (fold([item.value for item in estimates]) for fold in (np.mean, np.std))
            assert 34 <= sum(item.low <= mean <= item.high for item in estimates)
            assert np.mean([item.high - item.low for item in estimates]) / 3.92 < 1.6 * spread


def test_a_share_of_all_is_not_certain() -> None:
    """All of 100 within: the halves all agree, but the next hundred may not."""
    rng = np.random.default_rng(3)
    found = precision_recall_estimate(rng.normal(size=(100, 2)), 1e-3 * rng.normal(size=(100, 2)), rounds=5).precision
    assert found.value == found.high == 1
    assert found.low == pytest.approx(0.963, abs=1e-3)


def test_halves_of_a_part_are_scaled_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the pictures has twice the error, and the whole half of that again."""
    rng = np.random.default_rng(4)
    real, fake = rng.normal(size=(400, 2)), rng.normal(size=(400, 2)) + 1
    whole = density_coverage_estimate(real, fake).density
    monkeypatch.setattr("nada.metrics.manifold.LARGEST", 100)
    part = density_coverage_estimate(real, fake).density
    assert part.value == whole.value
    assert part.high - part.low == pytest.approx(whole.high - whole.low, rel=0.4)


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(NadaError, match="The generated features need at least 4 rows here; there are 3"):
        precision_recall(np.eye(9), np.eye(3, 9), k=3)
    with pytest.raises(NadaError, match="An interval for 3 nearest neighbours needs 8 pictures of each kind"):
        precision_recall_estimate(np.eye(9), np.eye(7, 9), k=3)
    with pytest.raises(NadaError, match="must be 1 or more"):
        density_coverage(np.eye(9), np.eye(9), k=0)
