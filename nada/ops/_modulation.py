"""Style-modulated convolution (Karras et al. 2019, arXiv:1912.04958, equations 1 to 3)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nada.errors import UsageError
from nada.ops._resampling import upfirdn2d

_EPSILON = 1e-8  # the published value; it stands inside the root


def demodulation(weight: Tensor, styles: Tensor) -> Tensor:
    """Return `(N, O)` factors that give every output map unit expected variance (equation 3).

    The sum over the kernel does not depend on the sample, so it is taken once: ``(w * s)^2`` summed over input and
    kernel is a matrix product, and the `(N, O, I, k, k)` tensor of the usual implementations is never built.
    """
    energy = weight.float().square().sum(dim=(2, 3))  # (O, I)
    return (styles.float().square() @ energy.t() + _EPSILON).rsqrt()


def _convolve(x: Tensor, weight: Tensor, up: int, kernel: Tensor | None, flip_weight: bool) -> Tensor:
    padding = weight.shape[2] // 2
    if up == 1:
        weight = weight if flip_weight else weight.flip([2, 3])
        return F.conv2d(x, weight, padding=padding)
    weight = weight.flip([2, 3]) if flip_weight else weight
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    if kernel is None:
        raise UsageError("An upsampling convolution needs a resampling filter.")
    # Centre of kernel and filter: what a same-size convolution of the upsampled picture would need, less what the
    # transposed convolution has already added on either side.
    taps, size = kernel.shape[-1], weight.shape[2]
    before = padding + (taps + 1) // 2 - (size - 1)
    after = padding + (taps - 2) // 2 - (size - 2)
    return upfirdn2d(x, kernel, padding=(before, after, before, after), gain=4.0)


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    noise: Tensor | None = None,
    up: int = 1,
    resample_filter: Tensor | None = None,
    demodulate: bool = True,
    flip_weight: bool = True,
) -> Tensor:
    """Convolve each sample with weights scaled by its own style, keeping the size (or doubling it with `up=2`).

    Args:
        x: `(N, I, H, W)`.
        weight: `(O, I, k, k)`, k odd.
        styles: `(N, I)`, one factor per sample and input map.
        noise: broadcastable to the result, added to it; None for none.
        up: 1 or 2. With 2 the upsampled result is filtered by `resample_filter` (sum 1).
        demodulate: scale output maps to unit expected variance.
        flip_weight: True correlates (as `torch.nn.functional.conv2d`), False convolves.

    Returns:
        `(N, O, H * up, W * up)`, in the dtype of `x`.

    Raises:
        UsageError: for a factor other than 1 or 2, or `up=2` without a filter.
    """
    if up not in (1, 2):
        raise UsageError(f"A modulated convolution can keep the size (up=1) or double it (up=2), not up={up}.")
    scaled = x * styles.to(x.dtype)[:, :, None, None]
    y = _convolve(scaled, weight.to(x.dtype), up, resample_filter, flip_weight)
    if demodulate:
        factors = demodulation(weight, styles).to(y.dtype)[:, :, None, None]
        y = y * factors if noise is None else torch.addcmul(noise.to(y.dtype).expand_as(y), y, factors)
        return y
    return y if noise is None else y + noise.to(y.dtype)
