"""LPIPS, which sees two pictures at a time: of all pairs of some pictures, and of each with that of the same latent before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from nada.evaluation.pictures import AT_ONCE_LEAST, Block, Pictures
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


class Remembered:
    """Pictures of which the first few stay in memory once they were gone through, so that none is made twice."""

    def __init__(self, pictures: Pictures, few: int) -> None:
        self.name, self.count = pictures.name, pictures.count
        self._pictures, self._few = pictures, few
        self._kept: dict[int, Block] = {}

    def blocks(self, batch: int, share: Share) -> Iterator[Block]:
        """This process's blocks, at most `batch` pictures each."""
        for block in self._pictures.blocks(batch, share):
            if block.number * batch < self._few:
                self._kept[block.number] = block
            yield block

    def describe(self) -> dict[str, Any]:
        """What the pictures depend on."""
        return self._pictures.describe()

    def first(self, batch: int) -> np.ndarray:
        """The first few pictures, in blocks of `batch` as before; made again where other processes made some."""
        numbers = range(-(-min(self._few, self.count) // batch))
        if not self._kept.keys() >= set(numbers):
            with computing():
                for _ in islice(self.blocks(batch, Share()), len(numbers)):
                    pass  # they are kept on the way
        return np.concatenate([self._kept[number].pictures for number in numbers])[: self._few]


def perceive(eye: LpipsFeatures, pictures: Remembered, before: Remembered | None, batch: int) -> Perceived:
    """Look at the first pictures, in this process alone."""
    batch = max(batch, AT_ONCE_LEAST)
    shown = pictures.first(batch)
    change = None if before is None else eye.lpips_distance(before.first(batch), shown)
    return Perceived(eye, eye.lpips_matrix(shown), change)
