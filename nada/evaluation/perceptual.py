"""LPIPS, which sees two pictures at a time: of all pairs of some pictures, and of each with that of the same latent before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from nada.evaluation.pictures import AT_ONCE_LEAST, Block, Pictures
from nada.evaluation.shelves import Shelf
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
    """Pictures of which the first few are kept once they were gone through, so that none is made twice.

    A thousand at 1024 px are 3 GB: too many for memory, they lie in a file and are read from there.
    """

    def __init__(self, pictures: Pictures, few: int) -> None:
        self.name, self.count = pictures.name, pictures.count
        self._pictures, self._few = pictures, few
        self._first: np.ndarray | None = None

    def blocks(self, batch: int, share: Share) -> Iterator[Block]:
        """This process's blocks, at most `batch` pictures each."""
        shelf, wanted = None, self._few if share.world == 1 and self._first is None else 0
        for block in self._pictures.blocks(batch, share):
            if wanted:
                shelf = shelf or Shelf(block.pictures.shape[1:], np.uint8)
                shelf.add(block.pictures[:wanted])
                wanted -= min(wanted, len(block.pictures))
                self._first = None if wanted else shelf.rows()
            yield block
        if wanted and shelf is not None:
            self._first = shelf.rows()

    def describe(self) -> dict[str, Any]:
        """What the pictures depend on."""
        return self._pictures.describe()

    def first(self, batch: int) -> np.ndarray:
        """The first few that can be read, `(n, size, size, 3)` uint8; made again where other processes made some."""
        with computing(), closing(self.blocks(batch, Share())) as blocks:
            while self._first is None and next(blocks, None) is not None:
                pass  # they are kept on the way
        assert self._first is not None
        return self._first


def perceive(eye: LpipsFeatures, pictures: Remembered, before: Remembered | None, batch: int) -> Perceived:
    """Look at the first pictures, in this process alone."""
    batch = max(batch, AT_ONCE_LEAST)
    shown = pictures.first(batch)
    change = None if before is None else eye.lpips_distance(before.first(batch), shown)
    return Perceived(eye, eye.lpips_matrix(shown), change)
