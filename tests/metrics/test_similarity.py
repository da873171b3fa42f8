"""Cosines of pictures and prompts: loops, exact cases, and intervals over pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nada import metrics
from nada.errors import NadaError


def cosine(p: np.ndarray, q: np.ndarray) -> float:
    return float(p @ q / np.linalg.norm(p) / np.linalg.norm(q))


@pytest.fixture
def images() -> np.ndarray:
    return 3 * np.random.default_rng(0).normal(size=(12, 5)) + 1


@pytest.fixture
def words() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(12, 5)) - 0.2


def test_clip_t(images: np.ndarray, words: np.ndarray) -> None:
    """Fails where lengths are not divided out, or the prompts of all pictures are averaged."""
    one = np.mean([cosine(image, words[0]) for image in images])
    each = np.mean([cosine(image, word) for image, word in zip(images, words)])
    assert metrics.clip_t(images, words[0]) == pytest.approx(one, rel=1e-12)
    assert metrics.clip_t(images, list(words[0])) == pytest.approx(one, rel=1e-12)
    tensors = torch.tensor(images), torch.tensor(words, requires_grad=True)
    assert metrics.clip_t(*tensors) == pytest.approx(each, rel=1e-12)
    assert metrics.clip_t(images, words) == pytest.approx(each, rel=1e-12)


def test_clip_i_over_all_pairs_and_row_by_row(images: np.ndarray, words: np.ndarray) -> None:
    pairs = np.mean([cosine(p, q) for p in images for q in words[:7]])
    assert metrics.clip_i(images, words[:7]) == pytest.approx(pairs, rel=1e-12)
    rows = np.mean([cosine(p, q) for p, q in zip(images, words)])
    assert metrics.clip_i_paired(images, words) == pytest.approx(rows, rel=1e-12)
    assert metrics.clip_i_paired(images, 2 * images) == pytest.approx(1, rel=1e-12)


def test_directional_similarity(images: np.ndarray, words: np.ndarray) -> None:
    """All four are made unit length before they are subtracted, as published, not after."""
    rng = np.random.default_rng(2)
    adapted = images + rng.normal(size=images.shape)

    def unit(row: np.ndarray) -> np.ndarray:
        return row / np.linalg.norm(row)

    truth = np.mean([cosine(unit(q) - unit(p), unit(words[1]) - unit(words[0])) for p, q in zip(images, adapted)])
    assert metrics.directional_similarity(images, adapted, words[0], words[1]) == pytest.approx(truth, rel=1e-12)
    back = metrics.directional_similarity(images, adapted, words[1], words[0])
    assert back == pytest.approx(-truth, rel=1e-12)
    assert metrics.directional_similarity(images, images, words[0], words[1]) == 0
    with pytest.raises(NadaError, match="same embedding"):
        metrics.directional_similarity(images, adapted, words[0], 2 * words[0])


def test_quality_and_diversity_are_the_published_means(images: np.ndarray, words: np.ndarray) -> None:
    """Fails where templates are averaged and made unit length first, or a picture is paired with itself."""
    quality = np.mean([cosine(image, word) for image in images for word in words])
    assert metrics.prompt_quality(images, words) == pytest.approx(quality, rel=1e-12)
    diversity = np.mean([1 - cosine(images[i], images[j]) for i in range(12) for j in range(i)])
    assert metrics.prompt_diversity(images) == pytest.approx(diversity, rel=1e-12)
    assert metrics.prompt_diversity(images[[3, 3, 3]]) == pytest.approx(0, abs=1e-12)


def test_estimates_have_the_value_and_the_count(images: np.ndarray, words: np.ndarray) -> None:
    sets = {
        "clip_t": (images, words[0]),
        "clip_i": (images, words[:7]),
        "clip_i_paired": (images, words),
        "directional_similarity": (images, words, words[0], words[1]),
        "prompt_quality": (images, words),
        "prompt_diversity": (images,),
    }
    for name, arguments in sets.items():
        found = getattr(metrics, f"{name}_estimate")(*arguments, seed=3)
        assert found.value == pytest.approx(getattr(metrics, name)(*arguments), rel=1e-12), name
        assert found.low < found.value < found.high, name
        assert found == getattr(metrics, f"{name}_estimate")(*arguments, seed=3), name
        assert found.n == ((12, 7) if name == "clip_i" else (12,)), name


def test_intervals_over_pairs_hold_the_truth() -> None:
    """For independent rows the mean cosine of a pair is |mean row|²; fails where copies of a row count as pairs."""
    rng = np.random.default_rng(4)

    def draw(n: int) -> np.ndarray:
        rows = rng.normal(size=(n, 3)) + np.array([1.0, 0.5, 0])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    mean = draw(400_000).mean(axis=0)
    hits = {"diversity": 0, "clip_i": 0}
    for seed in range(100):
        found = metrics.prompt_diversity_estimate(draw(25), rounds=300, seed=seed)
        hits["diversity"] += found.low <= 1 - mean @ mean <= found.high
        found = metrics.clip_i_estimate(draw(30), draw(20), rounds=300, seed=seed)
        hits["clip_i"] += found.low <= mean @ mean <= found.high
    assert min(hits.values()) >= 86, hits


def test_a_round_that_drew_one_picture_only_tells_nothing() -> None:
    """Of two pictures every other round is such; fails where it counts as orthogonal pictures."""
    found = metrics.prompt_diversity_estimate(np.array([[1.0, 0.1], [1.0, 0]]))
    assert found.low == pytest.approx(found.high, rel=1e-6)


def test_sets_that_do_not_belong_together_are_refused(images: np.ndarray, words: np.ndarray) -> None:
    with pytest.raises(NadaError, match="5 columns and the prompt embeddings 4"):
        metrics.clip_t(images, words[0, :4])
    with pytest.raises(NadaError, match="11 prompts for 12 images"):
        metrics.clip_t(images, words[:11])
    with pytest.raises(NadaError, match="12 and 7; use equal latents"):
        metrics.clip_i_paired(images, words[:7])
    with pytest.raises(NadaError, match="row of zeros, number 4"):
        metrics.prompt_diversity(images * (np.arange(12) != 4)[:, None])
