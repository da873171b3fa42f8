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
_LIMITS = {torch.float32: 2e-5, torch.float16: 2e-3, torch.bfloat16: 1.5e-2}
_SIZES = ((8, 8, 16), (5, 6, 10))  # channels, height, width: what vectors divide, and what they do not
_ORDERS = (torch.contiguous_format, torch.channels_last)


def check_device(device: str) -> list[dict[str, Any]]:
    """Compare the compiled operators with torch's own on a device, such as "cpu" or "cuda:0".

    Returns:
        for each operator: name, device, agrees, and differences (for each type the largest one, as a part of the largest
        number). Where it does not agree, also case (which one), with its problem if that is an error.
    """
    return [_check_operator(name, device) for name in _calls(1.0)]


def check_graph(device: str) -> dict[str, Any]:
    """Capture an operator in a CUDA graph and replay it twice, with other numbers; as `check_device` for one operator."""
    check = {"name": "a graph of bias_act", "device": device, "agrees": False, "case": "float32", "differences": {}}
    try:
        with torch.cuda.device(device), torch.no_grad(), bodies("compiled"):
            difference = _replay(device)
    except Exception as error:  # whatever it is, it is what is wrong with this device
        return {**check, "problem": str(error)}
    return {**check, "agrees": difference < _LIMITS[torch.float32], "differences": {"float32": difference}}


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


def _calls(clamp: float) -> dict[str, Callable[..., Tensor]]:
    """The operators as functions of named tensors, with arguments such as the layers give them."""
    epilogue = ("factors", "noise", "strength", "bias")
    rest = {"alpha": 0.2, "gain": 1.4, "clamp": clamp}
    return {
        "bias_act": lambda x, bias, **t: bias_act(x, bias, act="lrelu", clamp=clamp),
        "upfirdn2d": lambda x, taps, **t: upfirdn2d(x, taps, up=2, padding=(2, 1, 2, 1), gain=4.0),
        "styled_epilogue": lambda x, **t: styled_epilogue(x, *(t[name] for name in epilogue), **rest),
        "filtered_epilogue": lambda x, taps, **t: filtered_epilogue(
            x, taps, (2, 1, 2, 1), False, 4.0, *(t[name] for name in epilogue), **rest
        ),
        "to_rgb": lambda x, weight, skip, taps, **t: to_rgb(x, weight, t["bias"][:3], skip, taps, clamp=clamp),
    }


def _check_operator(name: str, device: str) -> dict[str, Any]:
    check: dict[str, Any] = {"name": name, "device": device, "agrees": False, "differences": {}}
    try:
        half = _half(device)
        for dtype in (torch.float32, half):
            # A number that is rounded up to the bound has no derivative any more: nothing near it in 16 bits.
            call = _calls(3.0 if dtype == torch.float32 else 1000.0)[name]
            kind = str(dtype).removeprefix("torch.")
            for given in _cases(dtype):
                order = "contiguous" if given["x"].is_contiguous() else "channels last"
                check["case"] = f"{kind}, {order}, {'x'.join(map(str, given['x'].shape))}"
                difference = _difference(call, given, device)
                check["differences"][kind] = max(difference, check["differences"].get(kind, 0.0))
                if not difference < _LIMITS[dtype]:  # NaN is not less
                    return check
    except Exception as error:  # whatever it is, it is what is wrong with this device
        return {"case": "", **check, "problem": str(error)}
    del check["case"]
    return {**check, "agrees": True}


def _difference(call: Callable[..., Tensor], given: dict[str, Tensor], device: str) -> float:
    """The largest one of the result and the derivatives, each as a part of its largest number (if that is above 1)."""
    with bodies("reference"):
        wanted = _values(call, {name: tensor.double() for name, tensor in given.items()})
    with bodies("compiled"):
        found = _values(call, {name: tensor.to(device) for name, tensor in given.items()})
    parts = [(a.cpu().double() - b).abs().max() / b.abs().max().clamp(min=1.0) for a, b in zip(found, wanted, strict=True)]
    return float(torch.stack(parts).max())


def _values(call: Callable[..., Tensor], given: dict[str, Tensor]) -> list[Tensor]:
    """The result, and what comes back to every tensor but the filter for numbers that each type holds exactly."""
    leaves = {name: tensor.detach().requires_grad_(name != "taps") for name, tensor in given.items()}
    with torch.enable_grad():
        y = call(**leaves)
        arriving = (torch.arange(y.numel(), device=y.device) % 7 - 3).reshape(y.shape) / 4
        wanted = [leaf for name, leaf in leaves.items() if name != "taps"]
        back = torch.autograd.grad(y, wanted, torch.empty_like(y).copy_(arriving), allow_unused=True)
    return [y.detach(), *(gradient for gradient in back if gradient is not None)]


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
