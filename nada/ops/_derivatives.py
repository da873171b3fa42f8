"""Slopes and curvatures of the activations, as differentiable functions of what the backward passes keep."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nada.ops._activations import CODES

_NAMES = {code: name for name, code in CODES.items()}
_SELU = 1.0507009873554804934 * 1.6732632423543772848  # scale times alpha of Klambauer et al. 2017, arXiv:1706.02515
_SELU_SCALE = 1.0507009873554804934


def keeps_input(code: int) -> bool:
    """Whether an activation's slope must be found from its input, its value not determining it."""
    return _NAMES[code] == "swish"


def inside(y: Tensor, clamp: float) -> Tensor:
    """Return 1 where a clamped value still answers to its input, else 0, in the dtype of `y`."""
    return torch.ones_like(y) if clamp < 0 else (y.abs() < clamp).to(y.dtype)


def leak(y: Tensor, alpha: float, gain: float, clamp: float, dtype: torch.dtype | None = None) -> Tensor:
    """Return d y / d x of ``y = clip(gain * leaky_relu(x, alpha))`` as a constant, in the dtype of `y` or another."""
    open_ = inside(y, clamp).to(dtype or y.dtype)
    return torch.where(y > 0, gain * open_, gain * alpha * open_)


def _swish_slope(x: Tensor) -> Tensor:
    s = x.sigmoid()
    return s * (1 + x * (1 - s))


def _swish_curvature(x: Tensor) -> Tensor:
    s = x.sigmoid()
    return s * (1 - s) * (2 + x * (1 - 2 * s))


# By name: slope and d slope / d value, both of the value t = act(x); of x itself for swish.
_TABLE: dict[str, tuple[Callable[[Tensor, float], Tensor], Callable[[Tensor, float], Tensor]]] = {
    "linear": (lambda t, alpha: torch.ones_like(t), lambda t, alpha: torch.zeros_like(t)),
    "relu": (lambda t, alpha: (t > 0).to(t.dtype), lambda t, alpha: torch.zeros_like(t)),
    "lrelu": (lambda t, alpha: torch.where(t > 0, torch.ones_like(t), alpha), lambda t, alpha: torch.zeros_like(t)),
    "tanh": (lambda t, alpha: 1 - t * t, lambda t, alpha: -2 * t),
    "sigmoid": (lambda t, alpha: t * (1 - t), lambda t, alpha: 1 - 2 * t),
    "elu": (lambda t, alpha: torch.where(t > 0, 1.0, t + 1), lambda t, alpha: (t <= 0).to(t.dtype)),
    "selu": (lambda t, alpha: torch.where(t > 0, _SELU_SCALE, t + _SELU), lambda t, alpha: (t <= 0).to(t.dtype)),
    "softplus": (lambda t, alpha: -torch.expm1(-t), lambda t, alpha: torch.exp(-t)),
    "swish": (lambda x, alpha: _swish_slope(x), lambda x, alpha: _swish_curvature(x)),
}


def slope_and_curvature(
    reference: Tensor, bias: Tensor | None, dim: int, code: int, alpha: float, gain: float, clamp: float
) -> tuple[Tensor, Tensor]:
    """Return, for ``y = clip(gain * act(x + bias))``, d y / d x and its derivative by `reference` (y, or x for swish)."""
    slope, curvature = _TABLE[_NAMES[code]]
    if keeps_input(code):
        if bias is not None:
            shape = [-1 if i == dim else 1 for i in range(reference.ndim)]
            reference = reference + bias.to(reference.dtype).reshape(shape)
        open_ = inside(reference * reference.sigmoid() * gain, clamp)
        return gain * slope(reference, alpha) * open_, gain * curvature(reference, alpha) * open_
    value, open_ = reference / gain, inside(reference, clamp)
    return gain * slope(value, alpha) * open_, curvature(value, alpha) * open_
