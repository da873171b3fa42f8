"""LPIPS, which sees two pictures at a time: of all pairs of some pictures, and of each with that of the same latent before."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from nada.evaluation.pictures import AT_ONCE_LEAST, Pictures
from nada.features import LpipsFeatures
from nada.features.extractor import computing
from nada.processes import Share

PICTURES = 1000  # as in Ojha et al. 2021 and what followed; the first ones are taken where there are more


@dataclass(frozen=True)
class Perceived:
    """LPIPS of all pairs, `matrix (N, N)`, and from before to after, `change (N,)` or None where there is no before."""

    eye: LpipsFeatures
    matrix: np.ndarray
    change: np.ndarray | None


def perceive(eye: LpipsFeatures, pictures: Pictures, before: Pictures | None, batch: int) -> Perceived:
    """Look at the first thousand pictures, in this process alone."""
    shown = _first(pictures, batch)
    change = None if before is None else eye.lpips_distance(_first(before, batch), shown)
    return Perceived(eye, eye.lpips_matrix(shown), change)


def _first(pictures: Pictures, batch: int) -> np.ndarray:
    batch = max(batch, AT_ONCE_LEAST)
    with computing():
        blocks = islice(pictures.blocks(batch, Share()), -(-PICTURES // batch))
        return np.concatenate([block.pictures for block in blocks])[:PICTURES]
