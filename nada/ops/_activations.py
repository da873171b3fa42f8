"""Bias, activation, gain and clamp as one operator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from nada.errors import UsageError
from nada.ops._dispatch import bound, fused


class _Activation(NamedTuple):
    function: Callable[[Tensor, float], Tensor]
    gain: float  # keeps unit variance for a standard normal input, where the literature uses one
    alpha: float = 0.0


ACTIVATIONS = {
    "linear": _Activation(lambda x, alpha: x, 1.0),
    "relu": _Activation(lambda x, alpha: F.relu(x), math.sqrt(2)),
    "lrelu": _Activation(lambda x, alpha: F.leaky_relu(x, alpha), math.sqrt(2), 0.2),
    "tanh": _Activation(lambda x, alpha: torch.tanh(x), 1.0),
    "sigmoid": _Activation(lambda x, alpha: torch.sigmoid(x), 1.0),
    "elu": _Activation(lambda x, alpha: F.elu(x), 1.0),
    "selu": _Activation(lambda x, alpha: F.selu(x), 1.0),
    "softplus": _Activation(lambda x, alpha: F.softplus(x), 1.0),
    "swish": _Activation(lambda x, alpha: F.silu(x), math.sqrt(2)),
}


# The numbers that the compiled library knows them by, csrc/bodies.h.
CODES = {name: index for index, name in enumerate(ACTIVATIONS)}


def bias_act(
    x: Tensor,
    bias: Tensor | None = None,
    act: str = "linear",
    alpha: float | None = None,
    gain: float | None = None,
    clamp: float | None = None,
    dim: int = 1,
) -> Tensor:
    """Return ``clip(gain * act(x + bias), -clamp, clamp)``, twice differentiable.

    Args:
        x: any shape.
        bias: `(x.shape[dim],)` or None.
        act: one of `ACTIVATIONS`.
        alpha: slope of the negative half of `lrelu`; None takes 0.2. Other activations have no such parameter.
        gain: factor after the activation; None takes the activation's own (sqrt(2) for relu, lrelu and swish).
        clamp: bound of the absolute value of the result; None for no bound.
        dim: the dimension of `x` that `bias` runs along.

    Raises:
        UsageError: for an unknown activation.
    """
    spec = _find(act)
    alpha, gain = _resolve(spec, alpha, gain)
    # The derivative is found from the result, which a gain of zero and a flat or falling half do not determine.
    if x.ndim == 0 or not fused(x) or gain == 0.0 or (act == "lrelu" and alpha <= 0.0):
        return bias_act_reference(x, bias, act, alpha, gain, clamp, dim)
    return torch.ops.nada.bias_act(x, bias, dim % x.ndim, CODES[act], alpha, gain, bound(clamp))


def bias_act_reference(
    x: Tensor,
    bias: Tensor | None = None,
    act: str = "linear",
    alpha: float | None = None,
    gain: float | None = None,
    clamp: float | None = None,
    dim: int = 1,
) -> Tensor:
    """`bias_act` by torch's own operators."""
    spec = _find(act)
    alpha, gain = _resolve(spec, alpha, gain)
    if bias is not None:
        x = x + bias.to(x.dtype).reshape([-1 if i == dim % x.ndim else 1 for i in range(x.ndim)])
    x = spec.function(x, alpha)
    if gain != 1.0:
        x = x * gain
    return x if clamp is None else x.clamp(-clamp, clamp)


def _find(act: str) -> _Activation:
    if act not in ACTIVATIONS:
        raise UsageError(f"Unknown activation {act!r}; choose one of {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[act]


def _resolve(spec: _Activation, alpha: float | None, gain: float | None) -> tuple[float, float]:
    return spec.alpha if alpha is None else float(alpha), spec.gain if gain is None else float(gain)
