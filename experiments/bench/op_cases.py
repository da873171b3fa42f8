"""The cases of `ops.py`: an operator, its twin, their tensors, and the bytes that they must move at least.

Sizes are those that the synthesis network of the published 256 px generator (channel base 16384) has at batch 4, and a
large one, the last block of a 512 px generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from nada import ops

SIZES = {f"b{size}": (min(16384 // size, 512), size) for size in (4, 8, 16, 32, 64, 128, 256)}
SIZES["large"] = (64, 512)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
LAYOUTS = {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}
TAPS = (1, 3, 3, 1)
CLAMP = 256.0  # what the published networks are trained with


@dataclass
class Place:
    """Where the tensors of a case are made: batch, channels, side of the result, type, order, device."""

    batch: int
    channels: int
    side: int
    dtype: torch.dtype
    order: torch.memory_format
    device: str

    def maps(self, side: int | None = None, channels: int | None = None) -> Tensor:
        """Return random feature maps in type and order."""
        shape = self.batch, channels or self.channels, side or self.side, side or self.side
        x = torch.randn(shape, device=self.device).to(self.dtype)
        return x.contiguous(memory_format=self.order)

    def numbers(self, *shape: int) -> Tensor:
        """Return random float32 numbers between 0.5 and 1.5."""
        return torch.rand(shape, device=self.device) + 0.5

    def taps(self) -> Tensor:
        """Return the separable low-pass filter."""
        return ops.setup_filter(TAPS, separable=True).to(self.device)


@dataclass
class Call:
    """One call of an operator.

    Attributes:
        function, twin: the operator's face and its torch twin.
        tensors: the arguments by name; those in `moving` get a gradient.
        kept: which tensors the backward pass must read again, besides the gradient of the result; "y" is the result.
        options: all other arguments.
    """

    function: Callable[..., Tensor]
    twin: Callable[..., Tensor]
    tensors: dict[str, Tensor]
    moving: Sequence[str]
    kept: Sequence[str]
    options: dict[str, Any]


def _bias_act(place: Place) -> Call:
    tensors = {"x": place.maps(), "bias": place.numbers(place.channels)}
    return Call(ops.bias_act, ops.bias_act_reference, tensors, ("x", "bias"), ("y",), {"act": "lrelu", "clamp": CLAMP})


def _sides(place: Place) -> dict[str, Tensor]:
    return {
        "factors": place.numbers(place.batch, place.channels),
        "noise": torch.randn(place.batch, 1, place.side, place.side, device=place.device),
        "strength": place.numbers(),
        "bias": place.numbers(place.channels),
    }


EPILOGUE = {"gain": 2.0**0.5, "clamp": CLAMP}
EPILOGUE_MOVING = ("x", "factors", "strength", "bias")


def _styled_epilogue(place: Place) -> Call:
    tensors = {"x": place.maps(), **_sides(place)}
    kept = ("y", "factors", "noise")
    return Call(ops.styled_epilogue, ops.styled_epilogue_reference, tensors, EPILOGUE_MOVING, kept, EPILOGUE)


def _filtered_epilogue(place: Place) -> Call:
    """A transposed convolution of stride 2 gives one row and one column more than the result has."""
    tensors = {"x": place.maps(place.side + 1), "taps": place.taps(), **_sides(place)}
    options = {"padding": 1, "filter_gain": 4.0, **EPILOGUE}
    kept = ("y", "taps", "factors", "noise")
    return Call(ops.filtered_epilogue, ops.filtered_epilogue_reference, tensors, EPILOGUE_MOVING, kept, options)


def _to_rgb(place: Place) -> Call:
    tensors = {"x": place.maps(), "weight": place.numbers(place.batch, 3, place.channels), "bias": place.numbers(3)}
    moving = ["x", "weight", "bias"]
    if place.side > 4:
        tensors["skip"] = torch.randn(place.batch, 3, place.side // 2, place.side // 2, device=place.device)
        tensors["taps"] = place.taps()
        moving.append("skip")
    kept = [name for name in ("x", "weight", "taps") if name in tensors]
    return Call(ops.to_rgb, ops.to_rgb_reference, tensors, moving, kept, {"clamp": CLAMP})


def _resample(place: Place, side: int, **options: Any) -> Call:
    tensors = {"x": place.maps(side), "kernel": place.taps()}
    return Call(ops.upfirdn2d, ops.upfirdn2d_reference, tensors, ("x",), ("kernel",), options)


def _filter(place: Place) -> Call:
    return _resample(place, place.side + 1, padding=1, gain=4.0)


def _upsample(place: Place) -> Call:
    return _resample(place, place.side // 2, up=2, padding=(2, 1), gain=4.0)


def _downsample(place: Place) -> Call:
    return _resample(place, place.side * 2, down=2, padding=1)


OPERATORS: dict[str, Callable[[Place], Call]] = {
    "bias_act": _bias_act,
    "styled_epilogue": _styled_epilogue,
    "filtered_epilogue": _filtered_epilogue,
    "to_rgb": _to_rgb,
    "upfirdn2d": _filter,
    "upfirdn2d_up": _upsample,
    "upfirdn2d_down": _downsample,
}


@dataclass
class Case:
    """An operator at one size, type and order."""

    name: str
    size: str
    dtype: str
    layout: str
    device: str
    call: Call

    def functions(self, direction: str) -> dict[str, Callable[[], object]]:
        """Return what to time, `ours` and `twin`; backward goes again and again through a graph made before."""
        if direction == "forward":
            return {"ours": self._run(self.call.function, False), "twin": self._run(self.call.twin, False)}
        return {"ours": self._run_back(self.call.function), "twin": self._run_back(self.call.twin)}

    def _arguments(self, moving: bool) -> dict[str, Tensor]:
        return {
            name: value.detach().requires_grad_(moving and name in self.call.moving)
            for name, value in self.call.tensors.items()
        }

    def _run(self, function: Callable[..., Tensor], moving: bool) -> Callable[[], object]:
        arguments = self._arguments(moving)
        return lambda: function(**arguments, **self.call.options)

    def _run_back(self, function: Callable[..., Tensor]) -> Callable[[], object]:
        arguments = self._arguments(True)
        result = function(**arguments, **self.call.options)
        gradient = torch.ones_like(result)
        inputs = [arguments[name] for name in self.call.moving]
        return lambda: torch.autograd.grad(result, inputs, gradient, retain_graph=True)

    @cached_property
    def _result_bytes(self) -> int:
        with torch.no_grad():
            return self.call.twin(**self.call.tensors, **self.call.options).nbytes

    def bytes_moved(self, direction: str) -> int:
        """Return the bytes of all tensors that must be read or written, each once."""
        sizes = {name: value.nbytes for name, value in self.call.tensors.items()}
        sizes["y"] = self._result_bytes
        if direction == "forward":
            return sum(sizes.values())
        gradients = sizes["y"] + sum(sizes[name] for name in self.call.moving)
        return gradients + sum(sizes[name] for name in self.call.kept)

    def facts(self) -> dict[str, Any]:
        """Return what names the case in a row, and the bytes of its largest tensor."""
        x = self.call.tensors["x"]
        largest = max(x.nbytes, self._result_bytes)
        names = {"op": self.name, "size": self.size, "dtype": self.dtype, "layout": self.layout}
        return {**names, "shape": list(x.shape), "largest_tensor": largest}


def make_cases(
    names: Sequence[str], sizes: Sequence[str], dtypes: Sequence[str], layouts: Sequence[str], batch: int, device: str
) -> Iterator[Case]:
    """Make the cases one by one, so that the tensors of one are gone before those of the next are made."""
    for name in names:
        for size in sizes:
            channels, side = SIZES[size]
            if side == 4 and name in ("filtered_epilogue", "upfirdn2d", "upfirdn2d_up"):
                continue  # nothing is upsampled to 4 px
            for dtype in dtypes:
                for layout in layouts:
                    place = Place(batch, channels, side, DTYPES[dtype], LAYOUTS[layout], device)
                    yield Case(name, size, dtype, layout, device, OPERATORS[name](place))
