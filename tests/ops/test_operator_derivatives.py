"""Second derivatives of the operators, which the penalties of adversarial training are made of."""

from __future__ import annotations

from collections.abc import Callable

import op_truths
import pytest
import torch
from op_formulas import gaussian
from operator_cases import CASES, CONSTANTS, Case
from torch import Tensor

# Of the largest number: how far a derivative may be from the truth.
LIMITS = {torch.float64: 1e-10, torch.float32: 5e-5, torch.bfloat16: 0.1}
SMALL = [case for case in CASES if case.tensors["x"].numel() < 40000]


def second(call: Callable[..., Tensor], tensors: dict[str, Tensor | None], arriving: Tensor) -> dict[str, Tensor]:
    """The derivatives of the gradients along fixed directions: by every tensor, and by the gradient that arrived."""
    leaves = {
        name: value if value is None or name in CONSTANTS else value.detach().requires_grad_()
        for name, value in tensors.items()
    }
    wanted = {name: value for name, value in leaves.items() if value is not None and value.requires_grad}
    wanted["arriving"] = arriving.clone().requires_grad_()
    y = call(leaves)
    names = [name for name in wanted if name != "arriving"]
    gradients = torch.autograd.grad(y, [wanted[name] for name in names], wanted["arriving"].to(y), create_graph=True)
    total = sum(
        (gradient * gaussian(gradient.shape, 20 + index).to(gradient)).double().sum()
        for index, gradient in enumerate(gradients)
    )
    found = torch.autograd.grad(total, list(wanted.values()), materialize_grads=True)
    return dict(zip(wanted, found))


def compared(case: Case, dtype: torch.dtype, last: bool, device: str) -> dict[str, float]:
    """How far each second derivative is from the formula's, in parts of the largest."""
    given = case.given(dtype, last, device)
    exact = {name: None if value is None else value.double() for name, value in given.items()}
    safe = op_truths.away_from_kinks(case.truth, exact, case.options)
    y = case.truth(**exact, **case.options)
    arriving = (gaussian(y.shape, 9, dtype).to(y) * safe).to(dtype)
    truth = second(lambda tensors: case.truth(**tensors, **case.options), exact, arriving.double())
    found = second(case.call, given, arriving)
    scale = max(value.abs().max().item() for value in truth.values()) or 1.0
    off = {name: (found[name].double() - value).abs() for name, value in truth.items()}
    return {name: (value * safe if name == "arriving" else value).max().item() / scale for name, value in off.items()}


@pytest.mark.parametrize("dtype", LIMITS, ids=str)
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name.replace(" ", "-"))
def test_second_derivatives_are_the_formulas(case: Case, dtype: torch.dtype, body) -> None:
    """Catches a second derivative that leaves a tensor, a clamp, a mask or a sum out: R1 would train on a wrong one."""
    for last in (False, True):
        errors = compared(case, dtype, last, body.device)
        assert max(errors.values()) < LIMITS[dtype], f"channels_last={last}: {errors}"
