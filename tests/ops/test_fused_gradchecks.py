"""Derivatives of the operators against finite differences, and those of the penalties that networks are trained with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from fakes import tiny_generator
from op_formulas import gaussian
from operator_cases import CASES, CONSTANTS, FEW, Case
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from nada import losses, ops
from nada.models import Compute, Discriminator, DiscriminatorConfig

SMALL = [case for case in CASES if case.tensors["x"].numel() < 4000]


def function(case: Case, device: str, last: bool = False) -> tuple[Callable[..., Tensor], list[Tensor]]:
    """A case as a function of the tensors that have derivatives, and those."""
    given = case.given(torch.float64, last, device)
    free = [name for name, value in given.items() if name not in CONSTANTS]

    def call(*values: Tensor) -> Tensor:
        return case.call({**given, **dict(zip(free, values))})

    return call, [given[name].requires_grad_() for name in free]


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name.replace(" ", "-"))
def test_derivatives_are_those_of_finite_differences(case: Case, body) -> None:
    """Catches a mistake that the formulas of the other tests would share, along random directions."""
    call, values = function(case, body.device, last=True)
    torch.manual_seed(0)
    assert gradcheck(call, values, fast_mode=True)
    assert gradgradcheck(call, values, fast_mode=True)


@pytest.mark.parametrize("case", FEW, ids=lambda case: case.name.replace(" ", "-"))
def test_every_entry_of_both_derivatives(case: Case, body) -> None:
    """Catches a derivative that is right along most directions only: one pixel, one border, one channel."""
    call, values = function(case, body.device)
    torch.manual_seed(0)
    assert gradcheck(call, values)
    assert gradgradcheck(call, values)


def gradients_by_both_bodies(penalty: Callable[[], Tensor], parameters: Sequence[Tensor]) -> tuple[list[Tensor], ...]:
    """What training would do to the parameters, by the compiled bodies and by the twins."""
    result = []
    for name in ("compiled", "reference"):
        with ops.bodies(name):
            result.append(list(torch.autograd.grad(penalty(), parameters, materialize_grads=True)))
    return tuple(result)


def assert_alike(ours: list[Tensor], theirs: list[Tensor], limit: float) -> None:
    """Each tensor of each body, as vectors: further apart than `limit` of their length is another penalty."""
    assert sum(value.abs().sum() for value in theirs) > 0
    for mine, other in zip(ours, theirs):
        assert (mine - other).norm() <= limit * other.norm() + 1e-12


@pytest.mark.parametrize("architecture", ["resnet", "skip"])
@pytest.mark.parametrize("dtype, limit", [(torch.float64, 1e-6), (torch.float32, 1e-4)], ids=str)
def test_r1_of_a_discriminator(architecture: str, dtype: torch.dtype, limit: float, compiled: None) -> None:
    """Catches a penalty on the discriminator's slope that trains it elsewhere when the bodies are compiled."""
    torch.manual_seed(0)
    config = DiscriminatorConfig(16, (6, 7, 8), architecture=architecture, conv_clamp=1.5)
    network = Discriminator(config).to(dtype)
    images = gaussian((4, 3, 16, 16), 1, dtype).requires_grad_()

    def penalty() -> Tensor:
        return losses.r1_penalty(network(images), images)

    assert_alike(*gradients_by_both_bodies(penalty, list(network.parameters())), limit)


def path_length(dtype: torch.dtype, last: bool) -> tuple[Callable[[], Tensor], list[Tensor]]:
    """The penalty on how far pictures move with w (arXiv:1912.04958, section 3.2), and what it trains."""
    generator = tiny_generator(16)
    generator = generator.double() if dtype == torch.float64 else generator
    own = next(generator.parameters()).dtype
    w = gaussian((3, generator.num_ws, 8), 1, own).requires_grad_()
    direction = gaussian((3, 3, 16, 16), 2, own) / 16

    def penalty() -> Tensor:
        with generator.computing(Compute(dtype, channels_last=last)):
            pictures = generator.synthesize(w)
        (slopes,) = torch.autograd.grad((pictures * direction).sum(), w, create_graph=True)
        lengths = slopes.square().sum(dim=2).mean(dim=1).sqrt()
        return (lengths - 0.1).square().mean()

    return penalty, [parameter for name, parameter in generator.named_parameters() if not name.startswith("mapping")]


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("dtype, limit", [(torch.float64, 1e-9), (torch.float32, 1e-4)], ids=str)
def test_path_length_of_a_generator(dtype: torch.dtype, limit: float, last: bool, compiled: None) -> None:
    """Catches a lost term of the second order in a styled layer, its demodulation, its noise or the picture's sum."""
    assert_alike(*gradients_by_both_bodies(*path_length(dtype, last)), limit)


@pytest.mark.parametrize("last", [False, True])
def test_path_length_in_half_precision(last: bool, compiled: None) -> None:
    """Catches compiled second derivatives that round more than the twins': a penalty in bfloat16 that is mostly noise."""
    exact, ours, theirs = (
        torch.cat([value.flatten() for value in gradients])
        for gradients in (
            gradients_by_both_bodies(*path_length(torch.float32, last))[1],
            *gradients_by_both_bodies(*path_length(torch.bfloat16, last)),
        )
    )
    assert (ours - exact).norm() < 1.2 * (theirs - exact).norm() + 0.01 * exact.norm()
    assert (ours - exact).norm() < 0.1 * exact.norm()
