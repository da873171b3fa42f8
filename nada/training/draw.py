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

    def __init__(
        self, seed: int, step: int, batch: int, device: torch.device | str = "cpu", rows: Tensor | None = None
    ) -> None:
        mixed = np.random.SeedSequence([seed, step]).generate_state(4, np.uint32).astype(object)
        self.device, self.batch = torch.device(device), batch
        self._places = torch.arange(batch) if rows is None else rows
        self._rows = None if self._places.equal(torch.arange(batch)) else self._places.to(self.device)
        self._numbers = torch.Generator(self.device).manual_seed(int(mixed[0] << 31 | mixed[1] >> 1))
        self._single = np.random.default_rng([int(mixed[2]), int(mixed[3])])

    @property
    def count(self) -> int:
        """How many samples are this process's."""
        return len(self._places)

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

    def first_half(self) -> tuple[Tensor, float]:
        """Which of this process's samples belong to the first half of the whole batch, and what a mean over them weighs.

        Where processes have unequal parts of the half, only the mean of their weighted means is that of the half. One
        that has no part of it takes a sample that weighs nothing, for it must still do what the others do.
        """
        half = max(self.batch // 2, 1)
        chosen = (self._places < half).nonzero()[:, 0]  # on the CPU: counting on a GPU would wait for it
        weight = len(chosen) * self.batch / (half * self.count)
        return (chosen if len(chosen) else torch.arange(1)).to(self.device), weight

    def _mine(self, numbers: Tensor) -> Tensor:
        return numbers if self._rows is None else numbers[self._rows]
