"""What `nada doctor` runs on each device: every operator, forwards and backwards, against torch's own in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from nada.ops._activations import bias_act
from nada.ops._epilogue import filtered_epilogue, styled_epilogue
from nada.ops._library import bodies
from nada.ops._picture import to_rgb
from nada.ops._resampling import setup_filter, upfirdn2d

# How far a result may be from the formula, as a part of its largest number; one rounding is 2**-24, 2**-11 and 2**-8.
_LIMITS = {torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}
_SIZES = ((8, 8, 16), (5, 6, 10))  # channels, height, width: what vectors divide, and what they do not
_ORDERS = (torch.contiguous_format, torch.channels_last)
_SMALL = ("bias", "factors", "strength", "weight")  # float32 whatever the maps are


def check_device(device: str) -> list[dict[str, Any]]:
    """Compare the compiled operators with torch's own on a device, such as "cpu" or "cuda:0".

    Returns:
        for each operator: name, device, agrees, and either problem (the error) or difference (the largest, as a part of
        the largest number), both of the worst case, which is named by `case`.
    """
    return [_check_operator(name, call, device) for name, call in _calls().items()]


def check_graph(device: str) -> dict[str, Any]:
    """Capture an operator in a CUDA graph and replay it twice, with other numbers; as `check_device` for one operator."""
    check = {"name": "a graph of bias_act", "device": device, "case": "float32"}
    try:
        with torch.cuda.device(device), torch.no_grad(), bodies("compiled"):
            return {**check, **_verdict(_replay(device), torch.float32)}
    except Exception as error:  # whatever it is, it is what is wrong with this device
        return {**check, "agrees": False, "problem": str(error)}


def _replay(device: str) -> float:
    x = torch.ones(2, 3, 8, 8, device=device)
    bias_act(x, act="lrelu")  # what happens at a first call only is not for the graph
    torch.cuda.synchronize(device)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=torch.cuda.Stream(device)):
        y = bias_act(x, act="lrelu", gain=1.0)
    differences = []
    for value, wanted in ((3.0, 3.0), (-1.0, -0.2)):
        x.fill_(value)
        graph.replay()
        differences.append(float((y - wanted).abs().max()))
    return max(differences)


def _calls() -> dict[str, Callable[..., Tensor]]:
    """The operators as functions of named tensors, with arguments such as the layers give them."""
    epilogue = ("factors", "noise", "strength", "bias")
    rest = {"alpha": 0.2, "gain": 1.4, "clamp": 3.0}
    return {
        "bias_act": lambda x, bias, **t: bias_act(x, bias, act="lrelu", clamp=3.0),
        "upfirdn2d": lambda x, taps, **t: upfirdn2d(x, taps, up=2, padding=(2, 1, 2, 1), gain=4.0),
        "styled_epilogue": lambda x, **t: styled_epilogue(x, *(t[name] for name in epilogue), **rest),
        "filtered_epilogue": lambda x, taps, **t: filtered_epilogue(
            x, taps, (2, 1, 2, 1), False, 4.0, *(t[name] for name in epilogue), **rest
        ),
        "to_rgb": lambda x, weight, skip, taps, **t: to_rgb(x, weight, t["bias"][:3], skip, taps, clamp=3.0),
    }


def _check_operator(name: str, call: Callable[..., Tensor], device: str) -> dict[str, Any]:
    worst: dict[str, Any] = {}
    for dtype in (torch.float32, _half(device)):
        for given in _cases(dtype):
            order = "channels last" if not given["x"].is_contiguous() else "contiguous"
            case = f"{str(dtype).removeprefix('torch.')}, {order}, {'x'.join(map(str, given['x'].shape))}"
            check = {"name": name, "device": device, "case": case}
            try:
                verdict = _verdict(_difference(call, given, device), dtype)
            except Exception as error:  # whatever it is, it is what is wrong with this device
                return {**check, "agrees": False, "problem": str(error)}
            if not verdict["agrees"]:
                return {**check, **verdict}
            worst = max(worst, {**check, **verdict}, key=lambda check: check.get("difference", -1.0))
    return worst


def _verdict(difference: float, dtype: torch.dtype) -> dict[str, Any]:
    return {"agrees": difference < _LIMITS[dtype], "difference": difference}  # NaN is not less


def _half(device: str) -> torch.dtype:
    """The 16-bit type that a run on the device would use."""
    with_bf16 = not device.startswith("cuda") or torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.bfloat16 if with_bf16 else torch.float16


def _cases(dtype: torch.dtype) -> Iterator[dict[str, Tensor]]:
    """Named tensors on the CPU, the same on every machine, for each size and order of memory."""
    for channels, height, width in _SIZES:
        draw = torch.Generator().manual_seed(0)
        shapes = {
            "x": (2, channels, height, width),
            "noise": (2, 1, height, width),
            "bias": (channels,),
            "factors": (2, channels),
            "strength": (),
            "weight": (2, 3, channels),
            "skip": (2, 3, height // 2, width // 2),
        }
        given = {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}
        given["factors"] = given["factors"].abs() + 0.5
        given["taps"] = setup_filter(separable=True)
        for order in _ORDERS:
            yield {**given, "x": given["x"].to(dtype).contiguous(memory_format=order)}
