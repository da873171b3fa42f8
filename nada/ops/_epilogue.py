"""What follows the convolution of a styled layer, as one operator: demodulation, noise, bias, leaky ReLU, gain, clamp.

Karras et al. 2019, arXiv:1912.04958, figure 2c; the clamp is from Karras et al. 2020, arXiv:2006.06676, appendix A.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nada.ops._dispatch import bound, fused
from nada.ops._resampling import Padding, _check, upfirdn2d, upfirdn2d_reference

_MAX_TAPS = 32  # csrc/bodies.h


def styled_epilogue(
    x: Tensor,
    factors: Tensor | None = None,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    bias: Tensor | None = None,
    alpha: float = 0.2,
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """Return ``clip(gain * leaky_relu(factors * x + strength * noise + bias, alpha), -clamp, clamp)``.

    Twice differentiable in every tensor. The compiled body reads `x` and writes the result, once, and keeps only the
    result for the backward pass: what was activated is found from it.

    Args:
        x: `(N, C, H, W)`.
        factors: `(N, C)`, the demodulation; positive. None for 1.
        noise: `(N, 1, H, W)`, `(1, 1, H, W)` or `(H, W)`; None for none.
        strength: 0-d factor of the noise; None for 1.
        bias: `(C,)` or None.
        alpha: slope of the negative half; 1 for no activation.

    Returns:
        as `x`, in its dtype; the small tensors may have another.
    """
    if alpha <= 0.0 or gain <= 0.0 or not fused(x):  # the result must determine what was activated
        return styled_epilogue_reference(x, factors, noise, strength, bias, alpha, gain, clamp)
    return torch.ops.nada.epilogue(x, factors, noise, strength, bias, float(alpha), float(gain), bound(clamp))


def styled_epilogue_reference(
    x: Tensor,
    factors: Tensor | None = None,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    bias: Tensor | None = None,
    alpha: float = 0.2,
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """`styled_epilogue` by torch's own operators."""
    if noise is not None:
        noise = (noise if strength is None else noise * strength).to(x.dtype)
    if factors is not None:
        factors = factors.to(x.dtype)[:, :, None, None]
        x = x * factors if noise is None else torch.addcmul(noise.expand_as(x), x, factors)
    elif noise is not None:
        x = x + noise
    if bias is not None:
        x = x + bias.to(x.dtype)[:, None, None]
    if alpha != 1.0:
        x = F.leaky_relu(x, alpha)
    if gain != 1.0:
        x = x * gain
    return x if clamp is None else x.clamp(-clamp, clamp)


def filtered_epilogue(
    x: Tensor,
    taps: Tensor,
    padding: Padding = 0,
    flip_filter: bool = False,
    filter_gain: float = 1.0,
    factors: Tensor | None = None,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    bias: Tensor | None = None,
    alpha: float = 0.2,
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """Return `styled_epilogue` of `upfirdn2d(x, taps, padding=…)`, in one pass: the end of an upsampling layer.

    Args:
        x: `(N, C, H, W)`.
        taps: `(f,)`, a separable filter of up to 32 taps; anything else is filtered in a pass of its own.
        padding, flip_filter, filter_gain: as in `upfirdn2d`.
        others: as in `styled_epilogue`; `noise` has the size of the result.
    """
    rest = (factors, noise, strength, bias, alpha, gain, clamp)
    if alpha <= 0.0 or gain <= 0.0 or not fused(x):
        return filtered_epilogue_reference(x, taps, padding, flip_filter, filter_gain, *rest)
    if taps.ndim != 1 or len(taps) > _MAX_TAPS or taps.requires_grad:
        return styled_epilogue(upfirdn2d(x, taps, 1, 1, padding, flip_filter, filter_gain), *rest)
    return torch.ops.nada.fir_epilogue(
        x, taps, *_check(x, taps, 1, 1, padding), flip_filter, float(filter_gain),
        factors, noise, strength, bias, float(alpha), float(gain), bound(clamp),
    )  # fmt: skip


def filtered_epilogue_reference(
    x: Tensor,
    taps: Tensor,
    padding: Padding = 0,
    flip_filter: bool = False,
    filter_gain: float = 1.0,
    factors: Tensor | None = None,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    bias: Tensor | None = None,
    alpha: float = 0.2,
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """`filtered_epilogue` by torch's own operators."""
    x = upfirdn2d_reference(x, taps, 1, 1, padding, flip_filter, filter_gain)
    return styled_epilogue_reference(x, factors, noise, strength, bias, alpha, gain, clamp)
