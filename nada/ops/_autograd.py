"""Derivatives of the compiled operators.

Every backward pass is an operator of its own, and its derivative, which R1 and path length need, is put together from
operators that are differentiable themselves. The formulas of the first ones are in csrc/bodies.h.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.library import register_autograd

from nada.ops import _autograd_layers, _fakes
from nada.ops._derivatives import keeps_input, slope_and_curvature


def register() -> None:
    """Make the operators of the loaded library known to autograd and to tracing; once per process."""
    _fakes.register()
    register_autograd("nada::bias_act", _bias_act_backward, setup_context=_save_bias_act)
    register_autograd("nada::bias_act_backward", _bias_act_second, setup_context=_save_bias_act_backward)
    register_autograd("nada::upfirdn2d", _upfirdn2d_backward, setup_context=_save_upfirdn2d)
    _autograd_layers.register()


def _save_bias_act(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, bias, *ctx.rest = inputs
    ctx.bias_dtype = None if bias is None else bias.dtype
    ctx.save_for_backward(*((x, bias) if keeps_input(ctx.rest[1]) else (output, None)))


def _bias_act_backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    reference, bias = ctx.saved_tensors
    dx, dbias = torch.ops.nada.bias_act_backward(dy, reference, bias, *ctx.rest)
    return dx, dbias.to(ctx.bias_dtype) if ctx.needs_input_grad[1] else None, None, None, None, None, None


def _save_bias_act_backward(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    dy, reference, bias, *ctx.rest = inputs
    ctx.save_for_backward(dy, reference, bias)


def _bias_act_second(ctx: Any, gdx: Tensor, gdbias: Tensor) -> tuple[Tensor | None, ...]:
    dy, reference, bias = ctx.saved_tensors
    dim = ctx.rest[0]
    slope, curvature = slope_and_curvature(reference, bias, *ctx.rest)
    shape = [-1 if i == dim else 1 for i in range(reference.ndim)]
    arriving = gdx + gdbias.to(gdx.dtype).reshape(shape)
    dreference = arriving * dy * curvature
    dbias = None
    if bias is not None:
        dbias = dreference.sum([i for i in range(reference.ndim) if i != dim]).to(bias.dtype)
    return arriving * slope, dreference, dbias, None, None, None, None, None


def _save_upfirdn2d(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, kernel, *ctx.rest = inputs
    ctx.size, ctx.out_size = x.shape[2:], output.shape[2:]
    ctx.save_for_backward(kernel)


def _upfirdn2d_backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    """The same operation backwards: up and down change places, the filter is turned round."""
    (kernel,) = ctx.saved_tensors
    up, down, left, _, top, _, flip, gain = ctx.rest
    sides = []
    for before, size, out, taps in zip(
        (left, top), reversed(ctx.size), reversed(ctx.out_size), (kernel.shape[-1], kernel.shape[0])
    ):
        sides += [taps - 1 - before, (size - 1) * up + 1 + before - out * down]
    dx = torch.ops.nada.upfirdn2d(dy, kernel, down, up, *sides, not flip, gain)
    return dx, None, None, None, None, None, None, None, None, None
