"""Weights as layers use them: scaled to the learning rate of all others, or divided by their largest singular value."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

_FIRST_ITERATIONS = 15  # from a random vector; afterwards one for each update of the weight follows it closely enough


class ScaledLayer(nn.Module):
    """A layer whose `weight`, rows first, is kept at unit scale and multiplied by `weight_gain` when it is used.

    With `spectral` it is divided by an estimate of its largest singular value instead (Miyato et al. 2018,
    arXiv:1802.05957), which makes the scale at which it is kept matter to its learning rate alone. In training mode
    the estimate takes one step of power iteration when the weight has changed, however that came about, and none when
    it has not: all passes between two updates see the same function, also where activations are computed again.
    """

    def __init__(self, weight: Tensor, weight_gain: float, spectral: bool = False) -> None:
        super().__init__()
        self.weight, self.weight_gain, self.spectral = nn.Parameter(weight), weight_gain, spectral
        if spectral:
            self.register_buffer("left_vector", normalize(torch.randn(len(weight)), dim=0))
            self.register_buffer("right_vector", torch.zeros(weight[0].numel()))  # W'u, not scaled to length 1
            self._settle()

    def scaled_weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weight to compute with, scaled in its own type first: 16 bits round once."""
        if not self.spectral:
            return (self.weight * self.weight_gain).to(dtype)
        matrix = self.weight.flatten(1)
        if self.training:
            self._follow(matrix.detach())
        # |W'u| is u'Wv at the v that belongs to u, and has the same gradient.
        return (self.weight / (matrix.t() @ self.left_vector).norm()).to(dtype)

    @torch.no_grad()
    def _follow(self, matrix: Tensor) -> None:
        """One step for a weight that is not the one `right_vector` was found with; a GPU need not be waited for.

        Versions of tensors do not tell: torch's fused optimisers change weights without counting it.
        """
        u, found = self.left_vector, matrix.t() @ self.left_vector
        changed = (found != self.right_vector).any()
        # New tensors, since passes whose gradients are still to come hold the old ones.
        self.left_vector = torch.where(changed, _next(matrix, u), u)
        self.right_vector = matrix.t() @ self.left_vector

    @torch.no_grad()
    def _settle(self) -> None:
        matrix, u = self.weight.flatten(1), self.left_vector
        for _ in range(_FIRST_ITERATIONS):
            u = _next(matrix, u)
        self.left_vector, self.right_vector = u, matrix.t() @ u

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take a weight from a file that was trained without the norm, too: the vectors are then found from it."""
        super()._load_from_state_dict(state, prefix, *rest)
        vectors, missing = {f"{prefix}left_vector", f"{prefix}right_vector"}, rest[2]
        if self.spectral and vectors <= set(missing):
            missing[:] = [name for name in missing if name not in vectors]
            self._settle()


def _next(matrix: Tensor, u: Tensor) -> Tensor:
    return normalize(matrix @ normalize(matrix.t() @ u, dim=0), dim=0)
