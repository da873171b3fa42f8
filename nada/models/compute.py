"""How a generator computes its feature maps: in which type, in which memory order, and what backward computes again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Compute:
    """Parameters, styles and pictures stay float32 whatever this says; feature maps follow it.

    Attributes:
        dtype: of the feature maps and of the convolutions.
        channels_last: keep the channels of a pixel beside one another, which 16-bit convolutions want.
        checkpoint: keep only what blocks hand to one another, and compute the rest again in the backward pass.
    """

    dtype: torch.dtype = torch.float32
    channels_last: bool = False
    checkpoint: bool = False

    def features(self, x: Tensor) -> Tensor:
        """Return feature maps `(N, C, H, W)` in the type and order that are asked for."""
        order = torch.channels_last if self.channels_last else torch.contiguous_format
        return x.to(self.dtype).contiguous(memory_format=order)
