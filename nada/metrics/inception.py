"""The inception score of class logits. Salimans et al. 2016, "Improved Techniques for Training GANs"."""

from __future__ import annotations

from typing import Any

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import as_array
from nada.metrics.estimates import LEVEL, Estimate, normal_estimate


def inception_score(logits: Any, splits: int = 10, seed: int | None = None) -> float:
    """Return the mean over splits of exp(mean KL(p(class | picture) ‖ p(class))); larger is better.

    Between 1 (all pictures alike, or all unsure) and the number of classes. It says nothing of pictures that are not of
    the classifier's classes, and it grows with the count, since a split knows its own p(class) only.

    Args:
        logits: `(N, C)`, two classes or more; published scores are of Inception's 1008, without the last layer's bias.
        splits: runs of consecutive pictures, 10 as published.
        seed: shuffles the pictures first; None keeps their order.

    Raises:
        NadaError: for fewer than two pictures in a split, NaN or infinity.
    """
    return inception_estimate(logits, splits, seed=seed).value


def inception_estimate(
    logits: Any, splits: int = 10, ddof: int = 0, seed: int | None = None, level: float = LEVEL
) -> Estimate:
    """Return `inception_score` with an interval by the infinitesimal jackknife, for what this count gives on average.

    Args:
        ddof: of `std`, the spread over the splits that the literature prints: 0 in the StyleGAN line of work and
            torch-fidelity, 1 in torchmetrics.
    """
    array = as_array(logits, "The logits")
    if array.shape[1] < 2:
        raise NadaError("The inception score needs logits of two classes or more.")
    if splits < 1 or len(array) < 2 * splits:
        raise NadaError(f"{len(array)} pictures cannot be scored in {splits} splits; each needs two or more.")
    if seed is not None:
        array = array[np.random.default_rng(seed).permutation(len(array))]
    scores, variances = zip(
        *(_split(array[len(array) * i // splits : len(array) * (i + 1) // splits]) for i in range(splits))
    )
    error = np.sqrt(np.sum(variances)) / splits
    std = float(np.std(scores, ddof=min(ddof, splits - 1)))
    within = (1.0, float(array.shape[1]))
    method = f"infinitesimal jackknife, {splits} splits"
    return normal_estimate(float(np.mean(scores)), error, (len(array),), method, level, within, std)


def _split(logits: np.ndarray) -> tuple[float, float]:
    """A score and its variance. The derivative of its logarithm after a picture's weight is that picture's KL."""
    values = logits.astype(np.float64)
    values -= values.max(axis=1, keepdims=True)
    values -= np.log(np.exp(values).sum(axis=1, keepdims=True))
    chances = np.exp(values)
    marginal = chances.mean(axis=0)
    # A class that nobody has, to the last digit, adds nothing: 0 log 0.
    values -= np.log(np.where(marginal > 0, marginal, 1))
    divergences = np.where(chances > 0, chances * values, 0).sum(axis=1)
    score = np.exp(divergences.mean())
    return float(score), float(score**2 * divergences.var(ddof=1) / len(divergences))
