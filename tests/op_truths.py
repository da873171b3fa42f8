"""What the operators' faces shall compute, by plain formulas: their keywords, float64 in and out.

Built on `op_formulas`, which has none of the package's code in it.
"""

from __future__ import annotations

import op_formulas as formulas
import torch
import torch.nn.functional as F
from torch import Tensor

NAMES = ("linear", "relu", "lrelu", "tanh", "sigmoid", "elu", "selu", "softplus", "swish")
_GAINS = {"relu": 2**0.5, "lrelu": 2**0.5, "swish": 2**0.5}


def four(padding: object) -> tuple[int, ...]:
    """(left, right, top, bottom) of one number, of two, of four."""
    sides = (padding,) * 4 if isinstance(padding, int) else tuple(padding)
    return sides if len(sides) == 4 else (sides[0], sides[0], sides[1], sides[1])


def bias_act(x: Tensor, bias=None, act="linear", alpha=None, gain=None, clamp=None, dim=1) -> Tensor:
    """`nada.ops.bias_act`."""
    alpha, gain = 0.2 if alpha is None else alpha, _GAINS.get(act, 1.0) if gain is None else gain
    return formulas.bias_act(x, bias, dim % x.ndim, NAMES.index(act), alpha, gain, -1.0 if clamp is None else clamp)


def upfirdn2d(x: Tensor, kernel: Tensor, up=1, down=1, padding=0, flip_filter=False, gain=1.0) -> Tensor:
    """`nada.ops.upfirdn2d`."""
    sides = four(padding)
    if kernel is None:
        return upfirdn2d(x, x.new_ones(1), up, down, padding, flip_filter, gain)
    kernel = torch.outer(kernel, kernel) if kernel.ndim == 1 else kernel
    y = formulas.upfirdn(x, kernel, up, 1, sides, flip_filter, gain)
    return y[:, :, ::down, ::down]


def epilogue(x: Tensor, factors=None, noise=None, strength=None, bias=None, alpha=0.2, gain=1.0, clamp=None) -> Tensor:
    """`nada.ops.styled_epilogue`."""
    return formulas.epilogue(x, factors, noise, strength, bias, alpha, gain, -1.0 if clamp is None else clamp)


def filtered(x: Tensor, taps: Tensor, padding=0, flip_filter=False, filter_gain=1.0, **rest) -> Tensor:
    """`nada.ops.filtered_epilogue`."""
    return epilogue(upfirdn2d(x, taps, 1, 1, padding, flip_filter, filter_gain), **rest)


def to_rgb(x: Tensor, weight: Tensor, bias=None, skip=None, taps=None, clamp=None) -> Tensor:
    """`nada.ops.to_rgb`."""
    image = formulas.torgb(x, weight, bias, None, x.new_ones(1), -1.0 if clamp is None else clamp)
    if skip is None:
        return image
    before, after = (len(taps) + 1) // 2, (len(taps) - 2) // 2  # what is drawn over two pixels stays over them
    return image + upfirdn2d(skip, taps, 2, 1, (before, after, before, after), gain=4.0)


def styled_conv2d(
    x: Tensor, weight: Tensor, styles: Tensor, noise=None, strength=None, bias=None, up=1, resample_filter=None,
    demodulate=True, flip_weight=True, **rest,
) -> Tensor:  # fmt: skip
    """`nada.ops.styled_conv2d`, a sample at a time with weights of its own, on the picture with zeros inserted."""
    own = weight[None] * styles[:, None, :, None, None]
    if demodulate:
        own = own / (own.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()
    own, half = own if flip_weight else own.flip(3, 4), weight.shape[2] // 2
    taps = x.new_ones(1) if up == 1 else resample_filter
    before, after = (half, half) if up == 1 else (half + (len(taps) + 1) // 2, half + (len(taps) - 2) // 2)
    spread = upfirdn2d(x, None, up, 1, (before, after, before, after))
    maps = torch.cat([F.conv2d(spread[i : i + 1], own[i]) for i in range(len(x))])
    return epilogue(upfirdn2d(maps, taps, gain=float(up * up)), None, noise, strength, bias, **rest)


def away_from_kinks(truth: object, tensors: dict[str, Tensor], options: dict[str, object]) -> Tensor:
    """Return 1 where a result does not lie within a rounding of a kink, where no derivative is defined; else 0."""
    free = {**options, "clamp": None} if "clamp" in options else options
    if truth is upfirdn2d:
        return torch.ones(())
    y = truth(**{name: value for name, value in tensors.items() if name != "skip"}, **free)
    safe = torch.ones_like(y) if options.get("clamp") is None else ((y.abs() - options["clamp"]).abs() > 0.03).to(y)
    if truth is bias_act:
        y = bias_act(tensors["x"], tensors.get("bias"), dim=options.get("dim", 1))  # what is activated
    return safe if truth is to_rgb else safe * (y.abs() > 0.03)
