"""Edges of the compiled operators: bounds that a type cannot hold, threads, empty batches, wrong shapes, NaN."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from op_measures import graded
from operator_cases import LARGE, Case
from torch import Tensor

from nada import ops
from nada.errors import UsageError

BOUND = 0.9  # neither float16 nor bfloat16 has it
_TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8

# Functions of maps that are 50 or -50 at even columns, far beyond the bound, and 0.1 at odd ones, within.
BOUNDED: dict[str, Callable[[Tensor], Tensor]] = {
    "bias_act": lambda x: ops.bias_act(x, act="lrelu", gain=1.0, clamp=BOUND),
    "bias_act, swish": lambda x: ops.bias_act(x.abs(), act="swish", gain=1.0, clamp=BOUND),
    "bias_act, rows": lambda x: ops.bias_act(x, act="linear", clamp=BOUND, dim=3),
    "styled_epilogue": lambda x: ops.styled_epilogue(x, clamp=BOUND),
    "filtered_epilogue": lambda x: ops.filtered_epilogue(x, torch.ones(1, device=x.device), clamp=BOUND),
    "to_rgb": lambda x: ops.to_rgb(x, torch.eye(3, device=x.device).expand(2, 3, 3), clamp=BOUND),
}


def _stripes(dtype: torch.dtype, last: bool) -> Tensor:
    x = torch.full((2, 3, 5, 8), 0.1, dtype=dtype)
    x[..., ::2] = torch.tensor([50.0, -50.0], dtype=dtype)[:, None, None, None]
    return x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", BOUNDED)
def test_what_is_clamped_has_no_gradient(name: str, dtype: torch.dtype, last: bool, body) -> None:
    """Catches a bound that is compared before it is rounded as the result was: a clamped pixel would then seem free."""
    x = _stripes(dtype, last).to(body.device).requires_grad_()
    y = BOUNDED[name](x)
    dy = torch.full_like(y, 0.5).requires_grad_()
    (dx,) = torch.autograd.grad(y, x, dy, create_graph=True)
    assert y[..., ::2].abs().max() <= torch.tensor(BOUND, dtype=y.dtype)
    assert (dx[..., ::2] == 0).all() and (dx[..., 1::2] != 0).all()
    (ddy,) = torch.autograd.grad(dx.sum(), dy)
    assert (ddy[..., ::2] == 0).all() and (ddy[..., 1::2] != 0).all()


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("case", LARGE, ids=lambda case: case.name.replace(" ", "-"))
def test_threads_and_runs_change_no_byte(case: Case, last: bool, threads: Callable[[int], None], compiled: None) -> None:
    """Catches sums whose order depends on who computes them, and memory that is read before it is written."""
    results = []
    for count in (1, 2, 2, 3):
        threads(count)
        results.append(graded(case.call, case.given(torch.float32, last), torch.ones_like))
    for other in results[1:]:
        assert all(torch.equal(value, other[name]) for name, value in results[0].items())


def _empty(last: bool) -> dict[str, Tensor]:
    """The tensors of a layer for no pictures at all."""
    order = torch.channels_last if last else torch.contiguous_format
    x = torch.zeros(0, 4, 6, 8).contiguous(memory_format=order)
    shapes = {"factors": (0, 4), "noise": (0, 1, 6, 8), "bias": (4,), "weight": (0, 3, 4), "skip": (0, 3, 3, 4)}
    return {"x": x, "layer": torch.ones(5, 4, 3, 3), **{name: torch.ones(shape) for name, shape in shapes.items()}}


EMPTY: dict[str, tuple[Callable[..., Tensor], tuple[str, ...], tuple[int, ...]]] = {
    "bias_act": (lambda x, bias: ops.bias_act(x, bias, "swish"), ("bias",), (4, 6, 8)),
    "upfirdn2d": (lambda x: ops.upfirdn2d(x, _TAPS.to(x), 2, padding=(2, 1, 2, 1)), (), (4, 12, 16)),
    "styled_epilogue": (
        lambda x, factors, noise, bias: ops.styled_epilogue(x, factors, noise, None, bias, clamp=1.0),
        ("factors", "noise", "bias"),
        (4, 6, 8),
    ),
    "filtered_epilogue": (
        lambda x, factors, bias: ops.filtered_epilogue(x, _TAPS.to(x), 1, factors=factors, bias=bias),
        ("factors", "bias"),
        (4, 5, 7),
    ),
    "to_rgb": (
        lambda x, weight, skip: ops.to_rgb(x, weight, None, skip, _TAPS.to(x), 1.0),
        ("weight", "skip"),
        (3, 6, 8),
    ),
    "styled_conv2d": (
        lambda x, layer, factors: ops.styled_conv2d(x, layer, factors, up=2, resample_filter=_TAPS.to(x)),
        ("layer", "factors"),
        (5, 12, 16),
    ),
}


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_batch_has_empty_results_and_gradients_of_zero(name: str, last: bool, body) -> None:
    """Catches a kernel that is launched on nothing, and sums that are left as the memory was found."""
    call, names, shape = EMPTY[name]
    tensors = {key: value.to(body.device).requires_grad_() for key, value in _empty(last).items() if key in ("x", *names)}
    y = call(**tensors)
    assert y.shape == (0, *shape)
    gradients = torch.autograd.grad(y, list(tensors.values()), torch.ones_like(y), create_graph=True)
    for gradient, value in zip(gradients, tensors.values()):
        assert gradient.shape == value.shape and (gradient == 0).all()
    again = sum(gradient.sum() for gradient in gradients)
    if again.requires_grad:
        assert all((value == 0).all() for value in torch.autograd.grad(again, tensors.values(), materialize_grads=True))


_MAPS = torch.zeros(2, 3, 4, 4)
WRONG: dict[str, Callable[[], Tensor]] = {
    "a bias of another length": lambda: ops.bias_act(_MAPS, torch.ones(2)),
    "a bias for another dimension": lambda: ops.bias_act(_MAPS, torch.ones(3), dim=2),
    "factors of another batch": lambda: ops.styled_epilogue(_MAPS, torch.ones(3, 3)),
    "noise of another size": lambda: ops.styled_epilogue(_MAPS, None, torch.ones(2, 1, 4, 5)),
    "noise of another batch": lambda: ops.styled_epilogue(_MAPS, None, torch.ones(3, 1, 4, 4)),
    "noise before the filter": lambda: ops.filtered_epilogue(_MAPS, _TAPS, 2, noise=torch.ones(4, 4)),
    "two strengths": lambda: ops.styled_epilogue(_MAPS, None, torch.ones(4, 4), torch.ones(2)),
    "weights of other features": lambda: ops.to_rgb(_MAPS, torch.ones(2, 3, 4)),
    "a bias for other pictures": lambda: ops.to_rgb(_MAPS, torch.ones(2, 3, 3), torch.ones(2)),
    "a picture that is not smaller": lambda: ops.to_rgb(_MAPS, torch.ones(2, 3, 3), None, torch.ones(2, 3, 4, 4), _TAPS),
    "a smaller picture of odd ones": lambda: ops.to_rgb(
        _MAPS[..., :3], torch.ones(2, 3, 3), None, torch.ones(2, 3, 2, 1), _TAPS
    ),
    "factors turned round": lambda: ops.styled_epilogue(_MAPS, torch.ones(3, 2)),
    "maps without a batch": lambda: ops.upfirdn2d(_MAPS[0], _TAPS, padding=2),
}


@pytest.mark.parametrize("what", WRONG)
def test_tensors_that_do_not_fit_are_refused(what: str, body) -> None:
    """Catches a kernel that reads or writes beyond its tensors."""
    with pytest.raises(RuntimeError):
        WRONG[what]()


FILTERS = {"nothing": torch.ones(0), "an empty matrix": torch.ones(1, 0), "more than the picture": torch.ones(9)}


@pytest.mark.parametrize("what", FILTERS)
def test_filters_that_do_not_fit_are_named(what: str, body) -> None:
    """Catches a filter that is laid over nothing, which the compiled bodies answered with a crash."""
    for call in (ops.upfirdn2d, ops.filtered_epilogue):
        with pytest.raises(UsageError, match="does not fit"):
            call(_MAPS, FILTERS[what], padding=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_a_nan_is_not_hidden(dtype: torch.dtype, body) -> None:
    """Catches a clamp or an activation that makes a number of a NaN: a run that diverged would seem well."""
    x = torch.zeros(1, 2, 4, 4, dtype=dtype, device=body.device)
    x[0, 0, 1, 2] = float("nan")
    taps = _TAPS.to(body.device)
    for y in (
        *(ops.bias_act(x, act=act, clamp=1.0) for act in ("linear", "lrelu", "tanh", "sigmoid", "elu", "swish", "softplus")),
        ops.upfirdn2d(x, taps, 2, padding=(2, 1)),
        ops.styled_epilogue(x, clamp=1.0),
        ops.filtered_epilogue(x, taps, 2, clamp=1.0),
        ops.to_rgb(x, torch.ones(1, 3, 2, device=body.device), clamp=1.0),
    ):
        assert y.isnan().any() and not y.isnan().all()


def test_a_map_without_channels_is_refused_and_does_not_end_the_process(compiled: None) -> None:
    """Catches a division by the number of channels, which the system answers by killing Python."""
    with pytest.raises(RuntimeError, match="without channels"):
        ops.to_rgb(torch.zeros(2, 0, 4, 4), torch.zeros(2, 3, 0), torch.zeros(3))
