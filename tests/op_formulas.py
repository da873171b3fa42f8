"""The operators' formulas of csrc/bodies.h in plain torch, without any of the package's code: what kernels are held to.

All take and return float64. Gradients come from autograd, so that nothing is derived twice by the same hand.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

ACTIVATIONS = (
    lambda x, alpha: x,
    lambda x, alpha: F.relu(x),
    lambda x, alpha: F.leaky_relu(x, alpha),
    lambda x, alpha: torch.tanh(x),
    lambda x, alpha: torch.sigmoid(x),
    lambda x, alpha: F.elu(x),
    lambda x, alpha: F.selu(x),
    lambda x, alpha: F.softplus(x),
    lambda x, alpha: F.silu(x),
)


def clamped(x: Tensor, clamp: float) -> Tensor:
    """Bound the absolute value; a negative `clamp` is none."""
    return x if clamp < 0 else x.clamp(-clamp, clamp)


def bias_act(x: Tensor, bias: Tensor | None, dim: int, act: int, alpha: float, gain: float, clamp: float) -> Tensor:
    """`clamp(gain * act(x + bias))`, the bias along `dim`."""
    if bias is not None:
        x = x + bias.reshape([-1 if i == dim else 1 for i in range(x.ndim)])
    return clamped(gain * ACTIVATIONS[act](x, alpha), clamp)


def upfirdn(x: Tensor, filter: Tensor, up: int, down: int, pads: tuple, flip: bool, gain: float) -> Tensor:
    """Zeros inserted, `pads` (left, right, top, bottom; negative crops), filtered, every `down`-th kept."""
    kernel = torch.outer(filter, filter) if filter.ndim == 1 else filter
    kernel = kernel if flip else kernel.flip(0, 1)
    n, c, h, w = x.shape
    spread = x.new_zeros(n, c, h, up, w, up)
    spread[:, :, :, 0, :, 0] = x
    padded = F.pad(spread.reshape(n * c, 1, h * up, w * up), list(pads))
    y = F.conv2d(padded, kernel[None, None])[:, :, ::down, ::down] * gain
    return y.reshape(n, c, *y.shape[2:])


def epilogue(x: Tensor, factors, noise, strength, bias, alpha: float, gain: float, clamp: float) -> Tensor:
    """`clamp(gain * lrelu(factors x + strength noise + bias))`; what is None is left out."""
    if factors is not None:
        x = x * factors[:, :, None, None]
    if noise is not None:
        x = x + (1.0 if strength is None else strength) * noise.reshape(-1, 1, *x.shape[2:])
    if bias is not None:
        x = x + bias[:, None, None]
    return clamped(F.leaky_relu(x, alpha) * gain, clamp)


def epilogue_pre(dy: Tensor, y: Tensor, alpha: float, gain: float, clamp: float) -> tuple[Tensor, Tensor]:
    """The gradient before the activation, and where y is inside the clamp."""
    inside = (y.abs() < clamp if clamp >= 0 else torch.ones_like(y, dtype=torch.bool)).to(y.dtype)
    return dy * inside * gain * torch.where(y > 0, torch.ones_like(y), torch.full_like(y, alpha)), inside


def epilogue_sums(dy: Tensor, y: Tensor, noise, alpha: float, gain: float, clamp: float) -> Tensor:
    """The three sums of an epilogue's backward, (3, n, c)."""
    pre, inside = epilogue_pre(dy, y, alpha, gain, clamp)
    noisy = torch.zeros_like(pre) if noise is None else pre * noise.reshape(-1, 1, *y.shape[2:])
    return torch.stack([pre.sum((2, 3)), (dy * y * inside).sum((2, 3)), noisy.sum((2, 3))])


def epilogue_dx(dy: Tensor, y: Tensor, factors, alpha: float, gain: float, clamp: float) -> Tensor:
    """The gradient of what an epilogue takes in, from its result (which is rounded where y is)."""
    pre, _ = epilogue_pre(dy, y, alpha, gain, clamp)
    return pre if factors is None else pre * factors[:, :, None, None]


def torgb(x: Tensor, weight: Tensor, bias, skip, taps: Tensor, clamp: float) -> Tensor:
    """The modulated 1x1 convolution, bias and clamp, and the smaller picture upsampled by two."""
    image = torch.einsum("noc,nchw->nohw", weight, x)
    image = clamped(image if bias is None else image + bias[:, None, None], clamp)
    if skip is None:
        return image
    count = taps.numel()
    # One picture of 2h from h: before + after - count + 1 = 0 beside the inserted zeros.
    before = (count + 1) // 2
    after = count - 1 - before
    return image + upfirdn(skip, taps, 2, 1, (before, after, before, after), False, 4.0)


def tolerance(dtype: torch.dtype) -> dict[str, float]:
    """How far a result that is stored in `dtype` may be from float64's: its rounding, and a little for the sums."""
    if dtype == torch.float64:
        return {"rtol": 1e-11, "atol": 1e-11}
    step = torch.finfo(dtype).eps
    return {"rtol": 2 * step, "atol": 1e-5 if dtype == torch.float32 else 1e-5 + step / 8}


def gaussian(shape, seed: int, dtype=torch.float64, channels_last: bool = False) -> Tensor:
    """Normal numbers that `dtype` holds exactly, as `dtype`."""
    generator = torch.Generator().manual_seed(seed + sum(shape) * 1000 + math.prod(shape))
    x = torch.randn(tuple(shape), generator=generator, dtype=torch.float64).to(dtype)
    return x.to(memory_format=torch.channels_last) if channels_last and x.ndim == 4 else x
