"""What the operators' faces take beside the usual: arguments that only the twins can do, odd tensors, wrong ones."""

from __future__ import annotations

from collections.abc import Callable

import op_truths as truths
import pytest
import torch
from op_formulas import gaussian
from op_measures import LIMITS, graded, measured, off
from operator_cases import CASES, Case
from torch import Tensor

from nada import ops

SHAPE = (2, 3, 6, 4)
_X, _BIAS = gaussian(SHAPE, 1), gaussian((3,), 2)
_SIDES = {"factors": gaussian((2, 3), 3).abs() + 0.5, "noise": gaussian((6, 4), 4), "bias": _BIAS}
_PICTURE = {"weight": gaussian((2, 3, 3), 5), "skip": gaussian((2, 3, 3, 2), 6)}
_TAPS, _MATRIX = torch.tensor([1.0, 3.0, 3.0, 1.0]).double() / 8, gaussian((3, 4), 7)
_LONG = gaussian((33,), 8)


def _case(name: str, face: str, truth: Callable[..., Tensor], tensors: dict[str, Tensor], **options: object) -> Case:
    return Case(name, face, truth, {"x": _X, **tensors}, options)


FALLBACKS = [
    _case("flat half", "bias_act", truths.bias_act, {"bias": _BIAS}, act="lrelu", alpha=0.0, clamp=0.9),
    _case("falling half", "bias_act", truths.bias_act, {"bias": _BIAS}, act="lrelu", alpha=-0.5),
    _case("nothing of it", "bias_act", truths.bias_act, {"bias": _BIAS}, act="swish", gain=0.0),
    _case("flat half of a layer", "styled_epilogue", truths.epilogue, _SIDES, alpha=0.0, clamp=0.9),
    _case("falling half of a layer", "styled_epilogue", truths.epilogue, _SIDES, alpha=-0.3),
    _case("nothing of a layer", "styled_epilogue", truths.epilogue, _SIDES, gain=0.0),
    _case("a layer upside down", "styled_epilogue", truths.epilogue, _SIDES, gain=-1.2, clamp=0.9),
    _case("a filtered layer upside down", "filtered_epilogue", truths.filtered, {"taps": _TAPS, "bias": _BIAS}, gain=-1.2),
    _case("a flat filtered layer", "filtered_epilogue", truths.filtered, {"taps": _TAPS, "bias": _BIAS}, alpha=0.0),
    _case("a layer behind a matrix", "filtered_epilogue", truths.filtered, {"taps": _MATRIX, "bias": _BIAS}, padding=2),
    _case("a layer behind 33 taps", "filtered_epilogue", truths.filtered, {"taps": _LONG, "bias": _BIAS}, padding=16),
    _case("33 taps", "upfirdn2d", truths.upfirdn2d, {"kernel": _LONG}, up=2, padding=17),
    _case("70 taps", "upfirdn2d", truths.upfirdn2d, {"kernel": gaussian((70,), 9)}, down=2, padding=33),
    _case("a picture of five channels", "to_rgb", truths.to_rgb, {"weight": gaussian((2, 5, 3), 5)}, clamp=0.9),
    _case("a picture under a matrix", "to_rgb", truths.to_rgb, {**_PICTURE, "taps": gaussian((4, 4), 6)}),
    _case("a picture under 33 taps", "to_rgb", truths.to_rgb, {**_PICTURE, "taps": _LONG}),
]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("case", FALLBACKS, ids=lambda case: case.name.replace(" ", "-"))
def test_what_only_the_twins_can_do(case: Case, dtype: torch.dtype, body) -> None:
    """Catches a compiled body that is asked for what it finds wrong derivatives of, or cannot hold."""
    found, truth = measured(case, case.given(dtype, True, body.device), True)
    for name, value in found.items():
        assert value.shape == truth[name].shape and off(value, truth[name]) < LIMITS[dtype], name


LEARNED = {
    "upfirdn2d": (
        lambda x, taps: ops.upfirdn2d(x, taps, 2, 1, (2, 1)),
        lambda x, taps: truths.upfirdn2d(x, taps, 2, 1, (2, 1)),
    ),
    "filtered_epilogue": (
        lambda x, taps: ops.filtered_epilogue(x, taps, 1),
        lambda x, taps: truths.filtered(x, taps, 1),
    ),
    "to_rgb": (
        lambda x, taps: ops.to_rgb(_X, _PICTURE["weight"], None, x, taps),
        lambda x, taps: truths.to_rgb(_X, _PICTURE["weight"], None, x, taps),
    ),
}


@pytest.mark.parametrize("name", LEARNED)
def test_a_filter_can_be_learned(name: str, compiled: None) -> None:
    """Catches a filter whose gradient is silently missing, the compiled bodies having none."""
    given = {"x": _PICTURE["skip"] if name == "to_rgb" else _X, "tap": _TAPS}
    found, truth = (
        graded(lambda tensors, call=call: call(tensors["x"], tensors["tap"]), given, lambda y: gaussian(y.shape, 3))
        for call in LEARNED[name]
    )
    assert off(found["tap"], truth["tap"]) < 1e-11 and off(found["x"], truth["x"]) < 1e-11


def test_numbers_that_no_kernel_takes(body) -> None:
    """Catches a face that sends whole or complex numbers, or a single one, to a kernel."""
    whole = torch.tensor([[1, -2]], device=body.device)
    torch.testing.assert_close(ops.bias_act(whole, act="relu", gain=3.0).double().cpu(), torch.tensor([[3.0, 0.0]]).double())
    rotated = ops.upfirdn2d(_X.to(body.device) * 1j, _TAPS.to(body.device), 2, padding=(2, 1))
    torch.testing.assert_close(rotated.imag.cpu(), truths.upfirdn2d(_X, _TAPS, 2, padding=(2, 1)))
    assert ops.bias_act(torch.tensor(-1.0, device=body.device), act="lrelu", gain=1.0).item() == pytest.approx(-0.2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_tensors_that_lie_oddly(case: Case, compiled: None) -> None:
    """Catches a body that reads a slice, a transposed picture or an expanded gradient as if it were dense."""
    given = case.given(torch.float32)
    expected = graded(case.call, given, lambda y: torch.full_like(y, 0.5))
    odd = {name: value.mT.contiguous().mT for name, value in given.items() if value is not None and value.ndim > 1}
    wide = torch.stack([given["x"], given["x"] * 7], dim=-1)[..., 0]
    for x in (wide, odd.get("x", wide)):
        found = graded(case.call, {**given, **odd, "x": x}, lambda y: y.new_tensor(0.5).expand_as(y))
        for name, value in found.items():
            assert off(value, expected[name].double()) < 1e-6, name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_each_gradient_on_its_own(case: Case, compiled: None) -> None:
    """Catches a gradient that is computed only if another one is wanted as well."""
    given = case.given(torch.float32)
    everything = graded(case.call, given, torch.ones_like)
    for name in everything.keys() - {"y"}:
        leaf = given[name].detach().requires_grad_()
        y = case.call({**{key: None if value is None else value.detach() for key, value in given.items()}, name: leaf})
        (alone,) = torch.autograd.grad(y, leaf, torch.ones_like(y))
        assert torch.equal(alone, everything[name]), name
