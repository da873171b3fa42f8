"""Style-modulated convolution (Karras et al. 2019, arXiv:1912.04958, equations 1 to 3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from nada.errors import UsageError
from nada.ops._dispatch import fused
from nada.ops._epilogue import (
    filtered_epilogue,
    filtered_epilogue_reference,
    styled_epilogue,
    styled_epilogue_reference,
)

_EPSILON = 1e-8  # the published value; it stands inside the root


class PreparedWeight(NamedTuple):
    """A weight as styled layers use it: `(O, I, k, k)` in the type of the feature maps, and the `(O, I)` energy of its maps."""

    weight: Tensor
    energy: Tensor


def prepare_weight(weight: Tensor, dtype: torch.dtype) -> PreparedWeight:
    """Return `weight` ready for demodulated layers in `dtype`; worth keeping for a weight that does not change.

    The sum over the kernel in equation 3 depends on no sample, so it is taken once: ``(w * s)^2`` summed over input and
    kernel is then a matrix product, and the `(N, O, I, k, k)` tensor of the usual implementations is never built. In
    float16 the weight is scaled to unit fan-in, which demodulation undoes exactly: sums of a thousand products fit.
    """
    exact = weight if weight.dtype == torch.float64 else weight.float()
    if dtype == torch.float16:
        exact = exact * math.prod(weight.shape[1:]) ** -0.5
    return PreparedWeight(exact.to(dtype), exact.square().sum(dim=(2, 3)))


def demodulation(energy: Tensor, styles: Tensor) -> Tensor:
    """Return `(N, O)` factors that give every output map unit expected variance (equation 3)."""
    return (styles.to(energy.dtype).square() @ energy.t() + _EPSILON).rsqrt()


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
    y = styled_conv2d(x, weight, styles, None, None, None, up, resample_filter, demodulate, flip_weight, alpha=1.0)
    return y if noise is None else y + noise.to(y.dtype)


def modulated_conv2d_reference(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    noise: Tensor | None = None,
    up: int = 1,
    resample_filter: Tensor | None = None,
    demodulate: bool = True,
    flip_weight: bool = True,
) -> Tensor:
    """`modulated_conv2d` by torch's own operators."""
    rest = (None, None, None, up, resample_filter, demodulate, flip_weight)
    y = styled_conv2d_reference(x, weight, styles, *rest, alpha=1.0)
    return y if noise is None else y + noise.to(y.dtype)


def styled_conv2d(
    x: Tensor,
    weight: Tensor | PreparedWeight,
    styles: Tensor,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    bias: Tensor | None = None,
    up: int = 1,
    resample_filter: Tensor | None = None,
    demodulate: bool = True,
    flip_weight: bool = True,
    alpha: float = 0.2,
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """A whole styled layer: `modulated_conv2d`, then noise, bias, leaky ReLU, gain and clamp (figure 2c).

    Everything behind the convolution is one pass over its result (`styled_epilogue`, `filtered_epilogue`).

    Args:
        weight: `(O, I, k, k)`, or what `prepare_weight` makes of it (for demodulated layers).
        noise: `(N, 1, H, W)`, `(1, 1, H, W)` or `(H, W)`, scaled by `strength`; None for none.
        bias: `(O,)` or None.
        resample_filter: for `up=2`, best as `setup_filter(separable=True)`.
        alpha, gain, clamp: as in `styled_epilogue`.
        others: as in `modulated_conv2d`, with its result and errors.
    """
    _check(up, resample_filter)
    fast = fused(x)
    epilogue = styled_epilogue if fast else styled_epilogue_reference
    filtered = filtered_epilogue if fast else filtered_epilogue_reference
    rest = (noise, strength, bias, alpha, gain, clamp)
    return _layer(x, weight, styles, up, resample_filter, demodulate, flip_weight, epilogue, filtered, rest)


def styled_conv2d_reference(
    x: Tensor,
    weight: Tensor | PreparedWeight,
    styles: Tensor,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    bias: Tensor | None = None,
    up: int = 1,
    resample_filter: Tensor | None = None,
    demodulate: bool = True,
    flip_weight: bool = True,
    alpha: float = 0.2,
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """`styled_conv2d` by torch's own operators."""
    _check(up, resample_filter)
    epilogues = styled_epilogue_reference, filtered_epilogue_reference
    rest = (noise, strength, bias, alpha, gain, clamp)
    return _layer(x, weight, styles, up, resample_filter, demodulate, flip_weight, *epilogues, rest)


def _check(up: int, resample_filter: Tensor | None) -> None:
    if up not in (1, 2):
        raise UsageError(f"A modulated convolution can keep the size (up=1) or double it (up=2), not up={up}.")
    if up == 2 and resample_filter is None:
        raise UsageError("An upsampling convolution needs a resampling filter.")


def _layer(
    x: Tensor,
    weight: Tensor | PreparedWeight,
    styles: Tensor,
    up: int,
    kernel: Tensor | None,
    demodulate: bool,
    flip_weight: bool,
    epilogue: Callable[..., Tensor],
    filtered: Callable[..., Tensor],
    rest: tuple[object, ...],
) -> Tensor:
    factors = None
    if demodulate:
        prepared = weight if isinstance(weight, PreparedWeight) else prepare_weight(weight, x.dtype)
        weight, factors = prepared.weight, demodulation(prepared.energy, styles)
    weight, size = weight.to(x.dtype), weight.shape[2]
    scaled = x * styles.to(x.dtype)[:, :, None, None]
    if up == 1:
        weight = weight if flip_weight else weight.flip([2, 3])
        return epilogue(F.conv2d(scaled, weight, padding=size // 2), factors, *rest)
    weight = weight.flip([2, 3]) if flip_weight else weight
    y = F.conv_transpose2d(scaled, weight.transpose(0, 1), stride=2)
    # Centre of kernel and filter: what a same-size convolution of the upsampled picture would need, less what the
    # transposed convolution has already added on either side.
    taps = kernel.shape[-1]
    before = size // 2 + (taps + 1) // 2 - (size - 1)
    after = size // 2 + (taps - 2) // 2 - (size - 2)
    return filtered(y, kernel, (before, after, before, after), False, 4.0, factors, *rest)
