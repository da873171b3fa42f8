"""From features to the picture: the last layer of a block and the sum of the blocks' pictures, as one operator.

Karras et al. 2019, arXiv:1912.04958, figure 7 (skip connections).
"""

from __future__ import annotations

import torch
from torch import Tensor

from nada.errors import UsageError
from nada.ops._dispatch import bound, fused
from nada.ops._resampling import upfirdn2d_reference

_MAX_CHANNELS, _MAX_TAPS = 4, 32  # csrc/bodies.h


def to_rgb(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    skip: Tensor | None = None,
    taps: Tensor | None = None,
    clamp: float | None = None,
) -> Tensor:
    """Return ``clip(weight · x + bias, -clamp, clamp) + upsample2d(skip)``; twice differentiable in every tensor.

    Args:
        x: `(N, C, H, W)` features.
        weight: `(N, O, C)`, a 1x1 convolution for each sample; its styles are in it.
        bias: `(O,)` or None.
        skip: `(N, O, H / 2, W / 2)`, the picture of the blocks before; None for none.
        taps: `(f,)`, the separable filter that `skip` is upsampled with; needed with `skip`.

    Returns:
        `(N, O, H, W)` in float32 whatever `x` is (float64 for float64): the sum of many layers.
    """
    if skip is not None and taps is None:
        raise UsageError("The smaller picture needs a filter to be upsampled with; pass taps.")
    simple = taps is None or (taps.ndim == 1 and len(taps) <= _MAX_TAPS and not taps.requires_grad)
    if weight.shape[1] > _MAX_CHANNELS or not simple or not fused(x):
        return to_rgb_reference(x, weight, bias, skip, taps, clamp)
    taps = weight.new_zeros(1) if taps is None else taps
    return torch.ops.nada.torgb(x, weight, bias, skip, taps, bound(clamp))


def to_rgb_reference(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    skip: Tensor | None = None,
    taps: Tensor | None = None,
    clamp: float | None = None,
) -> Tensor:
    """`to_rgb` by torch's own operators."""
    n, c, h, w = x.shape
    if x.is_contiguous():
        y = (weight.to(x.dtype) @ x.reshape(n, c, h * w)).reshape(n, weight.shape[1], h, w)
    else:  # channels last: a pixel's channels are a row of a matrix
        y = (x.permute(0, 2, 3, 1).reshape(n, h * w, c) @ weight.to(x.dtype).mT).mT.reshape(n, weight.shape[1], h, w)
    if bias is not None:
        y = y + bias.to(y.dtype)[:, None, None]
    if clamp is not None:
        y = y.clamp(-clamp, clamp)
    y = y if y.dtype == torch.float64 else y.float()
    if skip is None:
        return y
    before, after = (taps.shape[-1] + 1) // 2, (taps.shape[-1] - 2) // 2
    return upfirdn2d_reference(skip, taps, up=2, padding=(before, after) * 2, gain=4.0) + y
