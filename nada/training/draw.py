"""Every random number of one training step, for the whole batch, of which a process keeps its rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nada.models import Generator


class Draw:
    """Random numbers that follow from the seed and the step alone, so that a resumed run draws what the unbroken one did.

    Tensors are drawn on `device` for all `batch` samples and cut to `rows`, so that the processes of one training draw
    alike; another kind of device draws other numbers.
    """

    def __init__(self, seed: int, step: int, batch: int, device: torch.device | str = "cpu", rows: Tensor | None = None) -> None:
        mixed = np.random.SeedSequence([seed, step]).generate_state(4, np.uint32).astype(object)
        self.device, self.batch = torch.device(device), batch
        self.rows = None if rows is None or len(rows) == batch and rows.equal(torch.arange(batch)) else rows.to(self.device)
        self._numbers = torch.Generator(self.device).manual_seed(int(mixed[0] << 31 | mixed[1] >> 1))
        self._single = np.random.default_rng([int(mixed[2]), int(mixed[3])])

    @property
    def count(self) -> int:
        """How many samples are this process's."""
        return self.batch if self.rows is None else len(self.rows)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers `(count, *shape)`."""
        return self._mine(torch.randn(self.batch, *shape, generator=self._numbers, device=self.device))

    def uniform(self, *shape: int) -> Tensor:
        """Numbers in [0, 1), `(count, *shape)`."""
        return self._mine(torch.rand(self.batch, *shape, generator=self._numbers, device=self.device))

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Whole numbers from `low` to `high - 1`, `(count, *shape)`."""
        size = self.batch, *shape
        return self._mine(torch.randint(low, high, size, generator=self._numbers, device=self.device))

    def noise(self, generator: Generator) -> dict[str, Tensor]:
        """Fresh noise maps for every convolution of a generator, as its `make_noise` gives."""
        return {
            f"{name}.{key}": self.normal(1, layer.size, layer.size)
            for name in generator.block_names
            for key, layer in getattr(generator, name).layers.items()
        }

    def chance(self) -> float:
        """One number in [0, 1) for the whole batch."""
        return float(self._single.random())

    def choice(self, low: int, high: int) -> int:
        """One whole number from `low` to `high - 1` for the whole batch."""
        return int(self._single.integers(low, high))

    def first_half(self) -> Tensor:
        """Which of this process's samples belong to the first half of the whole batch; all, where that leaves a process none."""
        rows = torch.arange(self.batch, device=self.device) if self.rows is None else self.rows
        chosen = (rows < self.batch // 2).nonzero()[:, 0]
        return chosen if len(chosen) else torch.arange(len(rows), device=self.device)

    def _mine(self, numbers: Tensor) -> Tensor:
        return numbers if self.rows is None else numbers[self.rows]
