"""Weights as layers use them: scaled to the learning rate of all others, or divided by their largest singular value."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

_FIRST_ITERATIONS = 15  # from a random vector; one for each update of the weight follows it closely enough


class ScaledLayer(nn.Module):
    """A layer whose `weight`, rows first, is kept at unit scale and multiplied by `weight_gain` when it is used.

    With `spectral` it is divided by an estimate of its largest singular value instead (Miyato et al. 2018,
    arXiv:1802.05957), which makes the scale at which it is kept matter to its learning rate alone. The estimate follows
    `singular_vector`, which takes one step of power iteration after every change of the weight, in training mode only:
    passes between two updates see the same function, also when activations are computed again.
    """

    def __init__(self, weight: Tensor, weight_gain: float, spectral: bool = False) -> None:
        super().__init__()
        self.weight, self.weight_gain, self.spectral = nn.Parameter(weight), weight_gain, spectral
        if spectral:
            self.register_buffer("singular_vector", normalize(torch.randn(len(weight)), dim=0))
            self._iterated_at: int | None = None
            self._iterate(_FIRST_ITERATIONS)

    def scaled_weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weight to compute with, scaled in its own type first: 16 bits round once."""
        if not self.spectral:
            return (self.weight * self.weight_gain).to(dtype)
        if self.training and self._iterated_at != self.weight._version:
            self._iterate(1)
            self._iterated_at = self.weight._version
        # |W'u| is u'Wv at the v that belongs to u, and has the same gradient.
        norm = (self.weight.flatten(1).t() @ self.singular_vector).norm()
        return (self.weight / norm).to(dtype)

    @torch.no_grad()
    def _iterate(self, count: int) -> None:
        matrix, u = self.weight.flatten(1), self.singular_vector
        for _ in range(count):
            u = normalize(matrix @ normalize(matrix.t() @ u, dim=0), dim=0)
        self.singular_vector.copy_(u)

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Take a weight from a file that was trained without the norm, too: the vector is then found from it."""
        super()._load_from_state_dict(state, prefix, *rest)
        name, missing = f"{prefix}singular_vector", rest[2]
        if self.spectral and name in missing:
            missing.remove(name)
            self._iterate(_FIRST_ITERATIONS)
