"""Style-modulated convolution (Karras et al. 2019, arXiv:1912.04958, equations 1 to 3)."""

from __future__ import annotations

from typing import Callable

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


def demodulation(weight: Tensor, styles: Tensor) -> Tensor:
    """Return `(N, O)` factors that give every output map unit expected variance (equation 3).

    The sum over the kernel does not depend on the sample, so it is taken once: ``(w * s)^2`` summed over input and
    kernel is a matrix product, and the `(N, O, I, k, k)` tensor of the usual implementations is never built.
    """
    energy = weight.float().square().sum(dim=(2, 3))  # (O, I)
    return (styles.float().square() @ energy.t() + _EPSILON).rsqrt()


def modulate(x: Tensor, styles: Tensor) -> Tensor:
    """Return `x (N, C, H, W)` with every map scaled by its style, `styles (N, C)`; twice differentiable."""
    return torch.ops.nada.modulate(x, styles) if fused(x) else modulate_reference(x, styles)


def modulate_reference(x: Tensor, styles: Tensor) -> Tensor:
    """`modulate` by torch's own operators."""
    return x * styles.to(x.dtype)[:, :, None, None]


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
    weight: Tensor,
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
        noise: `(N, 1, H, W)`, `(1, 1, H, W)` or `(H, W)`, scaled by `strength`; None for none.
        bias: `(O,)` or None.
        resample_filter: for `up=2`, best as `setup_filter(separable=True)`.
        alpha, gain, clamp: as in `styled_epilogue`.
        others: as in `modulated_conv2d`, with its result and errors.
    """
    _check(up, resample_filter)
    if not fused(x):
        return styled_conv2d_reference(
            x, weight, styles, noise, strength, bias, up, resample_filter, demodulate, flip_weight, alpha, gain, clamp
        )
    end = (demodulation(weight, styles) if demodulate else None, noise, strength, bias, alpha, gain, clamp)
    scaled = modulate(x, styles)
    return _convolve(scaled, weight, up, resample_filter, flip_weight, styled_epilogue, filtered_epilogue, end)


def styled_conv2d_reference(
    x: Tensor,
    weight: Tensor,
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
    end = (demodulation(weight, styles) if demodulate else None, noise, strength, bias, alpha, gain, clamp)
    scaled = modulate_reference(x, styles)
    faces = styled_epilogue_reference, filtered_epilogue_reference
    return _convolve(scaled, weight, up, resample_filter, flip_weight, *faces, end)


def _check(up: int, resample_filter: Tensor | None) -> None:
    if up not in (1, 2):
        raise UsageError(f"A modulated convolution can keep the size (up=1) or double it (up=2), not up={up}.")
    if up == 2 and resample_filter is None:
        raise UsageError("An upsampling convolution needs a resampling filter.")


def _convolve(
    x: Tensor,
    weight: Tensor,
    up: int,
    kernel: Tensor | None,
    flip_weight: bool,
    epilogue: Callable[..., Tensor],
    filtered: Callable[..., Tensor],
    end: tuple[object, ...],
) -> Tensor:
    weight, padding = weight.to(x.dtype), weight.shape[2] // 2
    if up == 1:
        weight = weight if flip_weight else weight.flip([2, 3])
        return epilogue(F.conv2d(x, weight, padding=padding), *end)
    weight = weight.flip([2, 3]) if flip_weight else weight
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    # Centre of kernel and filter: what a same-size convolution of the upsampled picture would need, less what the
    # transposed convolution has already added on either side.
    taps, size = kernel.shape[-1], weight.shape[2]
    before = padding + (taps + 1) // 2 - (size - 1)
    after = padding + (taps - 2) // 2 - (size - 2)
    return filtered(x, kernel, (before, after, before, after), False, 4.0, *end)
