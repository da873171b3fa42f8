"""The compiled operators as torch sees them: schemas, fakes, derivatives, whole graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from op_formulas import gaussian
from torch import Tensor

from nada import ops

_EDGES = (0.2, 1.4, 0.9)  # alpha, gain, clamp
N, C, H, W = 2, 3, 6, 4
Maker = Callable[..., Tensor]


def _planes(*shape: int) -> Tensor:
    return gaussian(shape, 1, torch.float32).requires_grad_()


def _strided(*shape: int) -> Tensor:
    return gaussian((*shape[:3], 2 * shape[3]), 1, torch.float32)[..., ::2].detach().requires_grad_()


def _last_half(*shape: int) -> Tensor:
    return gaussian(shape, 1, torch.bfloat16).contiguous(memory_format=torch.channels_last).requires_grad_()


LAYOUTS = {"planes": _planes, "channels last, bfloat16": _last_half, "every other pixel": _strided}


def _side(*shape: int) -> Tensor:
    return gaussian(shape, 2, torch.float32).abs().add(0.1).requires_grad_()


_TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
_FIR = (1, 2, 1, 0, False, 2.0)
_OUT = (H - 2, W)  # of the fused filter with these pads

# By operator, from a maker of maps: what it is called with.
CALLS: dict[str, Callable[[Maker], tuple[Any, ...]]] = {
    "bias_act": lambda make: (make(N, C, H, W), _side(C), 1, 8, 0.2, 1.4, 0.9),
    "bias_act_backward": lambda make: (make(N, C, H, W), make(N, C, H, W), None, 1, 3, 0.2, 1.4, 0.9),
    "upfirdn2d": lambda make: (make(N, C, H, W), _TAPS, 2, 3, 2, 1, -1, 4, True, 1.5),
    "epilogue": lambda make: (make(N, C, H, W), _side(N, C), _side(1, 1, H, W), _side(), _side(C), *_EDGES),
    "epilogue_backward": lambda make: (make(N, C, H, W), make(N, C, H, W), _side(N, C), _side(H, W), *_EDGES),
    "fir_epilogue": lambda make: (
        *(make(N, C, H, W), _TAPS, *_FIR, _side(N, C), _side(N, 1, *_OUT), _side(), _side(C), *_EDGES),
    ),
    "fir_epilogue_backward": lambda make: (
        *(make(N, C, *_OUT), make(N, C, *_OUT), _TAPS, H, W, 1, 1, False, 2.0, _side(N, C), _side(*_OUT), *_EDGES),
    ),
    "torgb": lambda make: (make(N, C, H, W), _side(N, 3, C), _side(3), _side(N, 3, H // 2, W // 2), _TAPS, 0.9),
    "torgb_backward": lambda make: (_side(N, 3, H, W), make(N, C, H, W), _side(N, 3, C), _side(3), 0.9),
}


def test_every_operator_is_checked(compiled: None) -> None:
    """Catches an operator that is added without a call in this table."""
    names = {schema.name for schema in torch._C._jit_get_all_schemas() if schema.name.startswith("nada::")}
    assert names == {f"nada::{name}" for name in CALLS}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CALLS)
def test_operators_keep_their_promises_to_torch(name: str, layout: str, compiled: None) -> None:
    """Catches a fake of another shape, type or order than the result's, and a derivative that tracing cannot follow."""
    checks = ["test_schema", "test_autograd_registration", "test_faketensor"]
    if layout != "every other pixel":  # which is one of the others once it is inside, and this check takes long
        checks.append("test_aot_dispatch_dynamic")
    torch.library.opcheck(getattr(torch.ops.nada, name).default, CALLS[name](LAYOUTS[layout]), test_utils=checks)


def chain(x: Tensor, weight: Tensor, styles: Tensor, noise: Tensor, bias: Tensor, rgb: Tensor, skip: Tensor) -> Tensor:
    """The end of a generator: a layer that doubles the size, and the picture of it."""
    taps = _TAPS.to(x.device)
    y = ops.styled_conv2d(x, weight, styles, noise, None, bias, 2, taps, flip_weight=False, gain=1.4, clamp=1.5)
    y = ops.bias_act(y, bias, "lrelu", clamp=2.0)
    return ops.to_rgb(y, rgb, None, skip, taps, 1.5)


def chain_arguments(device: str) -> list[Tensor]:
    shapes = ((2, 4, 5, 6), (3, 4, 3, 3), (2, 4), (2, 1, 10, 12), (3,), (2, 3, 3), (2, 3, 5, 6))
    tensors = [gaussian(shape, 3 + index, torch.float32).to(device) for index, shape in enumerate(shapes)]
    return [tensor.requires_grad_() for tensor in tensors]


@pytest.mark.filterwarnings("default")  # tracing warns of its own deprecated parts
@pytest.mark.parametrize("dynamic", [False, True], ids=["fixed sizes", "any sizes"])
@pytest.mark.parametrize("body", ["compiled-cpu", "compiled-cuda"], indirect=True)
def test_a_compiled_graph_is_whole_and_computes_the_same(dynamic: bool, body) -> None:
    """Catches a face that tracing cannot enter, and one that takes other bodies inside a graph than outside."""
    arguments = chain_arguments(body.device)
    torch.compiler.reset()
    traced = torch.compile(chain, fullgraph=True, dynamic=dynamic, backend="aot_eager")
    results = []
    for call in (chain, traced):
        y = call(*arguments)
        results.append([y, *torch.autograd.grad(y.square().mean(), arguments)])
    torch.testing.assert_close(results[1], results[0])


def test_a_graph_holds_the_fused_operators(compiled: None) -> None:
    """Catches graphs that silently get the twins: the faces ask which bodies are at work while they are traced."""
    found: list[str] = []

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., Any]:
        found.extend(str(node.target) for node in graph.graph.nodes if str(node.target).startswith("nada."))
        return graph.forward

    torch.compiler.reset()
    torch.compile(chain, fullgraph=True, backend=backend)(*chain_arguments("cpu"))
    assert found == ["nada.fir_epilogue", "nada.bias_act", "nada.torgb"]


META = {
    "bias_act": lambda x, tensors: ops.bias_act(x, tensors["bias"], "lrelu", clamp=1.0),
    "upfirdn2d": lambda x, tensors: ops.upfirdn2d(x, tensors["taps"], 2, 3, (2, 1, -1, 4)),
    "styled_epilogue": lambda x, tensors: ops.styled_epilogue(x, tensors["factors"], None, None, tensors["bias"]),
    "filtered_epilogue": lambda x, tensors: ops.filtered_epilogue(x, tensors["taps"], 1, bias=tensors["bias"], clamp=1.0),
    "to_rgb": lambda x, tensors: ops.to_rgb(x, tensors["weight"], None, tensors["skip"], tensors["taps"], 1.0),
    "styled_conv2d": lambda x, tensors: ops.styled_conv2d(
        x, tensors["layer"], tensors["factors"], bias=tensors["bias"], up=2, resample_filter=tensors["taps"]
    ),
}


@pytest.mark.parametrize("name", META)
def test_tensors_without_data_pass_through(name: str, body) -> None:
    """Catches a face that sends a tensor on the meta device to a kernel, as models that are laid out there do."""
    tensors = {"bias": _side(C), "taps": _TAPS, "factors": _side(N, C), "weight": _side(N, 3, C)}
    tensors |= {"layer": _side(C, C, 3, 3), "skip": _side(N, 3, H // 2, W // 2)}
    x = _planes(N, C, H, W)
    there = META[name](x, tensors)
    here = META[name](x.to("meta"), {key: value.to("meta") for key, value in tensors.items()})
    assert here.device.type == "meta" and here.shape == there.shape and here.dtype == there.dtype
