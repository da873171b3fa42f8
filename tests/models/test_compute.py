"""How a generator computes: types, memory order, checkpoints and kept weights change nothing but rounding."""

from __future__ import annotations

import pytest
import torch
from fakes import tiny_generator

from nada.models import Compute, KeptWeights


def pictures(generator, compute: Compute) -> torch.Tensor:
    with generator.computing(compute):
        return generator(torch.randn(2, 8, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(
    "compute, tolerance",
    [
        (Compute(channels_last=True), 1e-5),
        (Compute(torch.float64), 1e-5),
        (Compute(torch.bfloat16, channels_last=True), 0.05),
        (Compute(torch.float16, channels_last=True), 0.005),
        (Compute(kept=KeptWeights()), 0.0),
    ],
    ids=["channels-last", "float64", "bfloat16", "float16", "kept"],
)
def test_pictures_are_those_of_float32(compute: Compute, tolerance: float) -> None:
    generator = tiny_generator(32, width=16).requires_grad_(False)
    expected, result = pictures(generator, Compute()), pictures(generator, compute)
    assert result.dtype == (torch.float64 if compute.dtype == torch.float64 else torch.float32)
    assert (result - expected).abs().max() <= tolerance * expected.abs().max()


def test_checkpoints_give_the_same_gradients() -> None:
    """Catches noise that is drawn anew, or a type that is forgotten, when a block is computed again."""
    generator, gradients = tiny_generator(32, width=16), []
    for checkpoint in (False, True):
        generator.zero_grad()
        pictures(generator, Compute(torch.bfloat16, True, checkpoint)).square().mean().backward()
        gradients.append([p.grad.clone() for p in generator.parameters() if p.grad is not None])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))


def test_a_kept_weight_that_changes_is_made_anew() -> None:
    """Catches pictures of weights that are no longer there."""
    generator, compute = tiny_generator(32, width=16).requires_grad_(False), Compute(kept=KeptWeights())
    before = pictures(generator, compute)
    made = compute.weight(generator.b8.conv0.weight)
    assert compute.weight(generator.b8.conv0.weight) is made
    generator.b8.conv0.weight.mul_(torch.rand(16, 16, 3, 3))
    assert compute.weight(generator.b8.conv0.weight) is not made
    assert not torch.equal(pictures(generator, compute), before)
    assert torch.equal(pictures(generator, compute), pictures(generator, Compute()))


def test_weights_that_learn_are_never_kept() -> None:
    generator, compute = tiny_generator(32, width=16), Compute(kept=KeptWeights())
    assert compute.weight(generator.b8.conv0.weight) is generator.b8.conv0.weight


def test_float16_does_not_overflow_where_styles_are_large() -> None:
    """Catches sums of a thousand large products in float16: demodulation divides only afterwards."""
    generator = tiny_generator(16, width=64).requires_grad_(False)
    for name, parameter in generator.named_parameters():
        if name.endswith("conv1.affine.bias"):
            parameter.fill_(3000.0)
    expected, result = pictures(generator, Compute()), pictures(generator, Compute(torch.float16))
    assert (result - expected).abs().max() <= 0.01 * expected.abs().max()
