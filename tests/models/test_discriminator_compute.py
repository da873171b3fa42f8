"""How a discriminator computes: types, memory order and checkpoints change nothing but rounding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nada.losses import r1_penalty
from nada.models import Compute, Discriminator, DiscriminatorConfig
from nada.models.discriminator import minibatch_std

ARCHITECTURES = ("resnet", "skip", "orig")
BF16 = Compute(torch.bfloat16, channels_last=True)


def judge(architecture: str = "resnet", **settings: object) -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(DiscriminatorConfig(16, (16, 16, 8), 3, architecture=architecture, **settings))


def pictures() -> Tensor:
    return torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))


LABELS = torch.tensor([0, 1, 2, 0])


def verdicts(network: Discriminator, compute: Compute, images: Tensor) -> Tensor:
    with network.computing(compute):
        return network(images, LABELS)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    "compute, tolerance",
    [(Compute(channels_last=True), 1e-5), (Compute(torch.float64), 1e-5), (BF16, 0.05)],
    ids=["channels-last", "float64", "bfloat16"],
)
def test_verdicts_are_those_of_float32(architecture: str, compute: Compute, tolerance: float) -> None:
    network = judge(architecture)
    expected, result = verdicts(network, Compute(), pictures()), verdicts(network, compute, pictures())
    assert result.dtype == torch.float32
    assert (result - expected).abs().max() <= tolerance * expected.abs().max()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_feature_maps_have_the_type_and_order_asked_for_and_gradients_are_float32(architecture: str) -> None:
    """Catches one layer that goes back to float32 or to rows of one channel: all behind it would be slow unseen."""
    network, seen = judge(architecture).to(memory_format=torch.channels_last), []
    for layer in (network.b16.conv0, network.b16.conv1, network.b8, network.b8.conv1, network.b4.conv):
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    verdicts(network, BF16, pictures()).sum().backward()
    assert len(seen) == 5
    assert all(x.dtype == torch.bfloat16 and x.is_contiguous(memory_format=torch.channels_last) for x in seen)
    assert all(parameter.grad.dtype == torch.float32 for parameter in network.parameters())


def test_the_linear_layers_see_float32() -> None:
    network, seen = judge(), []
    for layer in (network.b4.fc, network.b4.out, network.mapping.embed):
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].dtype))
    verdicts(network, BF16, pictures())
    assert seen == [torch.float32] * 3


def test_minibatch_statistics_of_bfloat16_maps_are_taken_in_float32() -> None:
    """Catches a spread that drowns in the rounding of a large mean: 16 bits see 201.5 and 202 as one number."""
    x = 200 + torch.arange(4.0).reshape(4, 1, 1, 1).expand(4, 2, 3, 3)
    exact, rounded = (minibatch_std(x.to(dtype), 4, 1)[0, 2].float() for dtype in (torch.float32, torch.bfloat16))
    torch.testing.assert_close(rounded, exact, rtol=0.01, atol=0)


def r1_gradients(network: Discriminator, compute: Compute) -> list[Tensor]:
    network.zero_grad()
    images = pictures().requires_grad_(True)
    r1_penalty(verdicts(network, compute, images), images).backward()
    return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("checkpoint", [False, True], ids=["kept", "computed again"])
def test_second_derivatives_do_not_depend_on_the_memory_order(architecture: str, checkpoint: bool) -> None:
    """Catches a penalty that is right while its gradient is not, as where an operator's second backward mixes strides."""
    network = judge(architecture, conv_clamp=256.0)
    expected = r1_gradients(network, Compute())
    result = r1_gradients(network, Compute(channels_last=True, checkpoint=checkpoint))
    for one, other in zip(expected, result, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * float(one.abs().max()))


def test_checkpoints_give_the_same_gradients() -> None:
    network, gradients = judge(), []
    for checkpoint in (False, True):
        network.zero_grad()
        verdicts(network, Compute(torch.bfloat16, True, checkpoint), pictures()).sum().backward()
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
