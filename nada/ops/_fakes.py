"""Shapes, types and memory order of the compiled operators' results, without data, for tracing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.library import register_fake


def register() -> None:
    """Give the operators of the loaded library their fakes."""
    fakes: dict[str, Callable[..., object]] = {
        "bias_act": lambda x, bias, dim, *rest: _like(x, dim == 1),
        "bias_act_backward": lambda dy, y, bias, dim, *rest: (_like(y, dim == 1), _sums(y, y.shape[dim])),
        "upfirdn2d": _upfirdn2d,
        "epilogue": lambda x, *rest: _like(x),
        "epilogue_backward": lambda dy, y, *rest: (_like(y), _sums(y, 3, *y.shape[:2])),
        "fir_epilogue": _fir_epilogue,
        "fir_epilogue_backward": _fir_epilogue_backward,
        "torgb": lambda x, weight, *rest: _sums(x, x.shape[0], weight.shape[1], *x.shape[2:]),
        "torgb_backward": lambda dimage, x, weight, *rest: (
            _like(x),
            _sums(x, *weight.shape),
            _sums(x, *weight.shape[:2]),
        ),
    }
    for name, fake in fakes.items():
        register_fake(f"nada::{name}", fake)


def _order(x: Tensor, pictures: bool = True) -> torch.memory_format:
    """As has_channels_last in csrc/calls.h: what is dense in the order of its dimensions stays so."""
    last = pictures and x.ndim == 4 and not x.is_contiguous() and x.stride(1) == 1
    return torch.channels_last if last else torch.contiguous_format


def _like(x: Tensor, pictures: bool = True) -> Tensor:
    return torch.empty(x.shape, dtype=x.dtype, device=x.device, memory_format=_order(x, pictures))


def _sums(x: Tensor, *shape: int) -> Tensor:
    """In the type that is computed in."""
    return torch.empty(shape, dtype=torch.promote_types(x.dtype, torch.float32), device=x.device)


def _resized(x: Tensor, height: int, width: int) -> Tensor:
    return torch.empty((*x.shape[:2], height, width), dtype=x.dtype, device=x.device, memory_format=_order(x))


def _upfirdn2d(
    x: Tensor, kernel: Tensor, up: int, down: int, left: int, right: int, top: int, bottom: int, *rest: object
) -> Tensor:
    height = (x.shape[2] * up + top + bottom - kernel.shape[0]) // down + 1
    return _resized(x, height, (x.shape[3] * up + left + right - kernel.shape[-1]) // down + 1)


def _fir_epilogue(x: Tensor, taps: Tensor, left: int, right: int, top: int, bottom: int, *rest: object) -> Tensor:
    less = taps.shape[0] - 1
    return _resized(x, x.shape[2] + top + bottom - less, x.shape[3] + left + right - less)


def _fir_epilogue_backward(
    dy: Tensor, y: Tensor, taps: Tensor, height: int, width: int, *rest: object
) -> tuple[Tensor, Tensor]:
    return _resized(y, height, width), _sums(y, 3, *y.shape[:2])
