"""Adam over rows that end at different times, and how its rate and the noise on the styles go up and down."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

RISE, FALL = 0.05, 0.25  # shares of the steps in which the rate goes up and down (arXiv:1912.04958, appendix D)
CALM = 0.75  # share of the steps after which styles get no more noise
BETAS, EPSILON = (0.9, 0.999), 1e-8


def rate_at(progress: Tensor) -> Tensor:
    """The share of the learning rate at `progress (N,)` from 0 to 1: a linear rise, a flat part, a cosine fall."""
    fall = ((1 - progress) / FALL).clamp(0, 1)
    return (0.5 - 0.5 * torch.cos(fall * math.pi)) * (progress / RISE).clamp(0, 1)


def jitter_at(progress: Tensor) -> Tensor:
    """The share of the noise on styles at `progress (N,)`."""
    return (1 - progress / CALM).clamp_min(0).square()


class RowAdam:
    """Adam (Kingma & Ba 2014, arXiv:1412.6980) whose rows have rates of their own and can be taken out.

    No row depends on which others there are.

    Args:
        tensors: what moves, in place; all with one row per picture.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = dict(tensors)
        self._first = {name: torch.zeros_like(value) for name, value in tensors.items()}
        self._second = {name: torch.zeros_like(value) for name, value in tensors.items()}
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: Mapping[str, Tensor], rates: Mapping[str, Tensor]) -> None:
        """Move every row of a tensor against its gradient, at its rate of `rates[name] (N,)`."""
        self._steps += 1
        for name, value in self.tensors.items():
            gradient, first, second = gradients[name], self._first[name], self._second[name]
            first.lerp_(gradient, 1 - BETAS[0])
            second.lerp_(gradient.square(), 1 - BETAS[1])
            size = (second / (1 - BETAS[1] ** self._steps)).sqrt() + EPSILON
            rate = rates[name].view(-1, *[1] * (value.ndim - 1)) / (1 - BETAS[0] ** self._steps)
            value -= rate * first / size

    def keep(self, rows: Tensor) -> None:
        """Go on with some rows only, in the order of `rows`."""
        for kind in (self.tensors, self._first, self._second):
            for name, value in kind.items():
                kind[name] = value[rows].clone()
