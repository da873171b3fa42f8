"""How a network computes its feature maps: in which type, in which memory order, and what is kept or computed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from nada.ops import PreparedWeight, prepare_weight

Network = TypeVar("Network", bound="ComputingModule")


class KeptWeights:
    """Weights prepared for the operators, made when first asked for; a weight that was changed in place is made anew."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Tensor, int, PreparedWeight]] = {}  # the tensor keeps its number from being reused

    def prepared(self, weight: Tensor, dtype: torch.dtype) -> PreparedWeight:
        """Return `weight` as `nada.ops.prepare_weight` does, without gradients."""
        _, version, made = self._made.get(id(weight), (None, None, None))
        if made is None or version != weight._version or made.weight.dtype != dtype:
            with torch.no_grad():
                made = prepare_weight(weight, dtype)
            self._made[id(weight)] = weight, weight._version, made
        return made


@dataclass(frozen=True)
class Compute:
    """Parameters, styles, pictures and logits stay float32 whatever this says; feature maps follow it.

    Attributes:
        dtype: of the feature maps and of the convolutions.
        channels_last: keep the channels of a pixel beside one another, which 16-bit convolutions want.
        checkpoint: keep only what blocks hand to one another, and compute the rest again in the backward pass.
        kept: where a generator that does not change keeps its weights as the operators use them; None for nowhere.
    """

    dtype: torch.dtype = torch.float32
    channels_last: bool = False
    checkpoint: bool = False
    kept: KeptWeights | None = None

    def features(self, x: Tensor) -> Tensor:
        """Return feature maps `(N, C, H, W)` in the type and order that are asked for."""
        order = torch.channels_last if self.channels_last else torch.contiguous_format
        return x.to(self.dtype).contiguous(memory_format=order)

    def weight(self, weight: Tensor) -> Tensor | PreparedWeight:
        """Return a styled layer's weight, prepared if that can be kept."""
        if self.kept is None or weight.requires_grad:
            return weight
        return self.kept.prepared(weight, self.dtype)


class ComputingModule(nn.Module):
    """A network whose feature maps follow `compute`, by default float32 as torch lays them out."""

    def __init__(self) -> None:
        super().__init__()
        self.compute = Compute()

    @contextmanager
    def computing(self: Network, compute: Compute) -> Iterator[Network]:
        """Compute feature maps in another way inside a `with` block."""
        before, self.compute = self.compute, compute
        try:
            yield self
        finally:
            self.compute = before
