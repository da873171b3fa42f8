"""Results and derivatives of an operator's case beside the truth about the same numbers."""

from __future__ import annotations

from collections.abc import Callable

import op_truths
import torch
from op_formulas import gaussian
from operator_cases import CONSTANTS, Case
from torch import Tensor

# Of the largest number: how far a result may be from the truth. Half precision: four roundings of its own.
LIMITS = {torch.float64: 1e-11, torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3.2e-2}


def graded(
    call: Callable[..., Tensor], tensors: dict[str, Tensor | None], arriving: Callable[[Tensor], Tensor]
) -> dict[str, Tensor]:
    """The result of `call` and the gradient of each tensor that has one, by name."""
    leaves = {
        name: value if value is None or name in CONSTANTS else value.detach().requires_grad_()
        for name, value in tensors.items()
    }
    y = call(leaves)
    wanted = {name: value for name, value in leaves.items() if value is not None and value.requires_grad}
    gradients = torch.autograd.grad(y, list(wanted.values()), arriving(y))
    return {"y": y.detach(), **dict(zip(wanted, gradients))}


def measured(case: Case, given: dict[str, Tensor], last: bool) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What the bodies at work make of a case, and the truth about the same numbers."""
    exact = {name: None if value is None else value.double() for name, value in given.items()}
    safe = op_truths.away_from_kinks(case.truth, exact, case.options)

    def arriving(y: Tensor) -> Tensor:
        dy = (gaussian(y.shape, 9, given["x"].dtype).to(y) * safe.to(y)).contiguous()
        return dy.contiguous(memory_format=torch.channels_last) if last and y.ndim == 4 else dy

    found = graded(case.call, given, arriving)
    return found, graded(lambda tensors: case.truth(**tensors, **case.options), exact, arriving)


def off(found: Tensor, truth: Tensor, power: float = float("inf")) -> float:
    """The distance of `found` from the truth as a part of the truth."""
    return ((found.double() - truth).flatten().norm(power) / truth.flatten().norm(power).clamp_min(1e-12)).item()
