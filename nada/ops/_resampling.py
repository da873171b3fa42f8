"""Zero-insertion upsampling, FIR filtering and decimation as one operator (Karras et al. 2019, arXiv:1912.04958)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from nada.errors import UsageError
from nada.ops._dispatch import fused

Padding = int | Sequence[int]
_SHORT = 8  # taps up to which one convolution with a matrix is faster than two with vectors


def setup_filter(taps: Sequence[float] | Tensor = (1, 3, 3, 1), normalize: bool = True, separable: bool = False) -> Tensor:
    """Return a float32 filter: the outer product of 1-D `taps` with themselves, or 2-D `taps` as given.

    With `normalize` its sum is 1, so that a constant picture keeps its value. With `separable` 1-D taps stay 1-D, to
    be applied along both axes, which is what the fused operators want.
    """
    taps = torch.as_tensor(taps, dtype=torch.float32)
    kernel = torch.outer(taps, taps) if taps.ndim == 1 and not separable else taps
    return kernel / kernel.sum() if normalize else kernel


def _four_sides(padding: Padding) -> tuple[int, int, int, int]:
    sides = (padding,) * 4 if isinstance(padding, int) else tuple(padding)
    if len(sides) == 2:
        sides = (sides[0], sides[0], sides[1], sides[1])
    if len(sides) != 4:
        raise UsageError(f"Padding needs 1, 2 or 4 numbers (left, right, top, bottom), got {len(sides)}.")
    return sides


def _insert_zeros(x: Tensor, up: int) -> Tensor:
    n, c, h, w = x.shape
    x = F.pad(x.reshape(n, c, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1))
    return x.reshape(n, c, h * up, w * up)


def upfirdn2d(
    x: Tensor,
    kernel: Tensor | None,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
) -> Tensor:
    """Upsample with zeros, pad or crop, filter, keep every `down`-th pixel; differentiable any number of times.

    Args:
        x: `(N, C, H, W)`.
        kernel: `(fh, fw)`, or `(f,)` for a separable filter, or None for no filtering.
        up, down: integer factors, at least 1.
        padding: after upsampling: one number, (horizontal, vertical) or (left, right, top, bottom); negative crops.
        flip_filter: False convolves (the mathematical operation), True correlates.
        gain: factor on the result.

    Returns:
        `(N, C, (H * up + top + bottom - fh) // down + 1, ...)`, in the dtype of `x`.

    Raises:
        UsageError: for a padding that cannot be read, or a filter that is larger than what it shall be laid over.
    """
    sides = _check(x, kernel, up, down, padding)
    if kernel is None or kernel.requires_grad or not fused(x):
        return upfirdn2d_reference(x, kernel, up, down, sides, flip_filter, gain)
    return torch.ops.nada.upfirdn2d(x, kernel, up, down, *sides, flip_filter, float(gain))


def _check(x: Tensor, kernel: Tensor | None, up: int, down: int, padding: Padding) -> tuple[int, int, int, int]:
    if up < 1 or down < 1:
        raise UsageError(f"Sampling factors are whole numbers of at least 1, not up={up}, down={down}.")
    left, right, top, bottom = sides = _four_sides(padding)
    height, width = x.shape[-2] * up + top + bottom, x.shape[-1] * up + left + right
    rows, columns = (1, 1) if kernel is None else (kernel.shape[0], kernel.shape[-1])
    if not (0 < rows <= height and 0 < columns <= width):
        raise UsageError(f"A filter of {rows}x{columns} does not fit into {height}x{width} pixels.")
    return sides


def upfirdn2d_reference(
    x: Tensor,
    kernel: Tensor | None,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
) -> Tensor:
    """`upfirdn2d` by torch's own operators."""
    left, right, top, bottom = _check(x, kernel, up, down, padding)
    if up > 1:
        x = _insert_zeros(x, up)
    if left or right or top or bottom:
        x = F.pad(x, (left, right, top, bottom))
    if kernel is None:
        return x[:, :, ::down, ::down] * gain
    if kernel.ndim == 1 and len(kernel) <= _SHORT:
        kernel = torch.outer(kernel, kernel)
    kernel = kernel.to(x.dtype)
    if not flip_filter:
        kernel = kernel.flip(list(range(kernel.ndim)))
    channels = x.shape[1]
    if kernel.ndim == 2:
        weight = (kernel * gain).expand(channels, 1, *kernel.shape)
        if down > 1 and x.dtype == torch.bfloat16 and x.device.type == "cpu":
            # The backward of a strided depthwise convolution in bf16 has no fast kernel on a CPU; filtering every
            # pixel and dropping most is 10 to 40 times faster, and the same sum.
            return F.conv2d(x, weight, groups=channels)[:, :, ::down, ::down]
        return F.conv2d(x, weight, stride=down, groups=channels)
    row = kernel.expand(channels, 1, 1, -1)
    column = (kernel * gain)[:, None].expand(channels, 1, -1, 1)
    return F.conv2d(F.conv2d(x, row, stride=(1, down), groups=channels), column, stride=(down, 1), groups=channels)


def upsample2d(x: Tensor, kernel: Tensor) -> Tensor:
    """Return `x` `(N, C, H, W)` at twice its size, filtered by `kernel` of sum 1, brightness kept."""
    taps = kernel.shape[-1]
    return upfirdn2d(x, kernel, up=2, padding=((taps + 1) // 2, (taps - 2) // 2) * 2, gain=4.0)


def downsample2d(x: Tensor, kernel: Tensor) -> Tensor:
    """Return `x` `(N, C, H, W)` at half its size, filtered by `kernel` of sum 1."""
    taps = kernel.shape[-1]
    return upfirdn2d(x, kernel, down=2, padding=((taps - 1) // 2, (taps - 2) // 2) * 2)
