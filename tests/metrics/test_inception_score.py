"""The inception score: what is known without a network."""

from __future__ import annotations

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import inception_estimate, inception_score


def one_hot(n: int, classes: int) -> np.ndarray:
    return 1e4 * np.eye(classes)[np.arange(n) % classes]


def test_sure_and_balanced_is_the_number_of_classes_unsure_is_one() -> None:
    """Also fails where 0 log 0 is not 0: the logits are of a classifier that excludes all other classes."""
    assert inception_score(one_hot(120, 6), splits=10) == pytest.approx(6, rel=1e-12)
    assert inception_score(np.zeros((20, 7)), splits=2) == pytest.approx(1, rel=1e-12)
    assert inception_score(one_hot(30, 3)[:, :1].repeat(4, axis=1), splits=1) == pytest.approx(1, rel=1e-12)
    assert inception_score(one_hot(4, 8), splits=1) == pytest.approx(4, rel=1e-12)  # four classes never seen


def test_it_is_the_loop() -> None:
    logits = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    scores = []
    for part in np.split(logits.astype(np.float64), 3):
        chances = np.exp(part) / np.exp(part).sum(axis=1, keepdims=True)
        marginal = chances.mean(axis=0)
        scores.append(np.exp(np.mean([sum(row * np.log(row / marginal)) for row in chances])))
    found = inception_estimate(logits, splits=3)
    assert found.value == pytest.approx(np.mean(scores), rel=1e-12)
    assert found.std == pytest.approx(np.std(scores), rel=1e-9)
    assert inception_estimate(logits, splits=3, ddof=1).std == pytest.approx(np.std(scores, ddof=1), rel=1e-9)


def test_splits_keep_the_order_unless_shuffled() -> None:
    """Sorted by class, a split of one class scores 1; that is what the order of pictures can do."""
    logits = np.sort(np.arange(40) % 4)[:, None] == np.arange(4)
    assert inception_score(1e4 * logits, splits=4) == pytest.approx(1)
    assert inception_score(1e4 * logits, splits=4, seed=0) > 2
    assert inception_score(1e4 * logits, splits=4, seed=0) == inception_score(1e4 * logits, splits=4, seed=0)


@pytest.mark.parametrize("splits", [1, 5])
def test_the_interval_holds_what_the_count_gives(splits: int) -> None:
    rng = np.random.default_rng(1)
    found = [inception_estimate(2 * rng.normal(size=(100, 5)), splits) for _ in range(100)]
    mean = np.mean([estimate.value for estimate in found])
    assert 88 <= sum(estimate.low <= mean <= estimate.high for estimate in found) <= 99


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(NadaError, match="19 pictures cannot be scored in 10 splits"):
        inception_score(np.zeros((19, 3)))
    with pytest.raises(NadaError, match="two classes or more"):
        inception_score(np.zeros((40, 1)))
