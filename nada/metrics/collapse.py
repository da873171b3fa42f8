"""Whether an adapted generator still makes different pictures.

Guidance by a sentence is easily satisfied by one good picture for all latents; the spread of the embeddings shows it
long before the loss does. Embeddings are made unit length here; use those of a judge, not of the guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import UnitRows, as_array, blocks, mean_of
from nada.metrics.distances import nearest
from nada.metrics.estimates import (
    LEVEL,
    ROUNDS,
    Estimate,
    at_least_binomial,
    mean_estimate,
    percentile_estimate,
)
from nada.metrics.pairs import mean_cosine, resampled_cosines
from nada.metrics.similarity import same_rows

NAME = "The embeddings"
LEAST_DIVERSITY = 0.5
MOST_DUPLICATES = 0.5
USUAL_DUPLICATES = 0.05


def compactness(embeddings: Any) -> float:
    """Return the sum of squared distances of embeddings `(N, D)` to their mean; 0 if all pictures are alike.

    Between 0 and N; for unit embeddings it is (N - 1) `prompt_diversity`. Watched over the steps of a run, a steady
    fall is collapse; it grows with N, so keep the same latents.
    """
    rows = UnitRows(as_array(embeddings, NAME), NAME)
    return float((len(rows) - 1) * (1 - mean_cosine(rows)))


def effective_dimension(embeddings: Any) -> float:
    """Return the participation ratio tr(Σ)² / tr(Σ²) of embeddings `(N, D)`: along how many axes they differ.

    Between 1 (all on a line) and the lesser of D and N - 1; 0 if all are equal. Larger is more diverse. It sees a
    collapse onto few themes that keeps its distances. Biased downwards at small N: compare equal counts.
    """
    rows = UnitRows(as_array(embeddings, NAME), NAME)
    gram = _gram(rows)
    total = float(np.trace(gram))
    # Of equal rows, their mean's rounding is left.
    return total**2 / float(np.square(gram).sum()) if total > 1e-20 * len(rows) else 0.0


def retained_diversity(frozen: Any, adapted: Any) -> float:
    """Return the diversity of adapted pictures over that of the frozen generator's for the same latents.

    The ratio of mean squared distances to the mean; 0 if all adapted pictures are alike, 1 if they are as diverse as
    before, larger if more. `frozen` and `adapted` are `(N, D)`, the same latents in the same rows.
    """
    return _ratio(*same_rows(frozen, adapted))


def retained_diversity_estimate(
    frozen: Any, adapted: Any, level: float = LEVEL, rounds: int = ROUNDS, seed: int = 0
) -> Estimate:
    """Return `retained_diversity` with a bootstrap interval over the latents, which both sets share."""
    return _retained(*same_rows(frozen, adapted), level, rounds, seed)


def _retained(before: UnitRows, after: UnitRows, level: float, rounds: int, seed: int) -> Estimate:
    value = _ratio(before, after)
    # The same seed draws the same latents for both.
    spreads = [1 - resampled_cosines(rows, rounds, seed) for rows in (after, before)]
    drawn = spreads[0] / np.maximum(spreads[1], 1e-12)
    return percentile_estimate(value, drawn, (len(before),), level)


def duplicate_share(frozen: Any, adapted: Any) -> float:
    """Return the share of adapted pictures that have a near duplicate among the others.

    Near is what only one in twenty of the frozen generator's pictures has: 0.05 means as before, 1 that every picture
    exists twice. It sees a collapse of some latents onto a few pictures while others stay diverse. Smaller is better.
    """
    return float(_duplicates(*same_rows(frozen, adapted)).mean())


@dataclass(frozen=True)
class CollapseReport:
    """What `detect_collapse` found, and its verdict.

    Attributes:
        diversity: `retained_diversity`.
        duplicates: `duplicate_share`; its interval takes the pictures as independent.
        dimensions: `effective_dimension` before and after.
        collapsed: whether one of both is beyond its limit, with its whole interval.
    """

    diversity: Estimate
    duplicates: Estimate
    dimensions: tuple[float, float]
    collapsed: bool


def detect_collapse(
    frozen: Any,
    adapted: Any,
    least_diversity: float = LEAST_DIVERSITY,
    most_duplicates: float = MOST_DUPLICATES,
    level: float = LEVEL,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> CollapseReport:
    """Return whether an adaptation collapsed: too little of the diversity is left, or too many pictures are alike.

    A move to a plain style (logos, sketches) makes pictures more alike without any collapse; half of the diversity is
    a cautious limit, to be set from runs that are known to be good.

    Args:
        frozen, adapted: embeddings `(N, D)` of the same latents in the same rows.
    """
    before, after = same_rows(frozen, adapted)
    diversity = _retained(before, after, level, rounds, seed)
    near = _duplicates(before, after)
    duplicates = at_least_binomial(mean_estimate(near, level, rounds, seed), len(near))
    return CollapseReport(
        diversity,
        duplicates,
        (effective_dimension(frozen), effective_dimension(adapted)),
        diversity.high < least_diversity or duplicates.low > most_duplicates,
    )


def _gram(rows: UnitRows) -> np.ndarray:
    """Scalar products of centred rows, or of their columns if those are fewer: both have the same eigenvalues."""
    mean = mean_of(rows)
    if len(rows) < rows.shape[1]:
        centred = rows[:] - mean
        return centred @ centred.T
    parts = (block - mean for _, block in blocks(rows))
    return sum(part.T @ part for part in parts)


def _ratio(before: UnitRows, after: UnitRows) -> float:
    spread = 1 - mean_cosine(before)
    if spread < 1e-12:
        raise NadaError("The frozen generator's pictures are all alike, so that no diversity can be kept; check them.")
    return max(0.0, (1 - mean_cosine(after)) / spread)


def _duplicates(before: UnitRows, after: UnitRows) -> np.ndarray:
    limit = np.quantile(nearest(before, 1)[:, 0], USUAL_DUPLICATES)
    return nearest(after, 1)[:, 0] <= limit
