"""Spectral normalisation of the discriminator, and the layers that FreezeD keeps."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from nada.errors import UsageError
from nada.losses import r1_penalty
from nada.models import Compute, Discriminator, DiscriminatorConfig, frozen_layers
from nada.models.layers import Conv, FullyConnected
from nada.models.spectral import ScaledLayer

LABELS = torch.tensor([0, 1, 2, 0])
BF16 = Compute(torch.bfloat16, channels_last=True)


def judge(spectral: bool = True, **settings: object) -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(DiscriminatorConfig(16, (16, 16, 8), 3, spectral_norm=spectral, **settings))


def pictures(seed: int = 1) -> Tensor:
    return torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def normalised(network: Discriminator) -> dict[str, ScaledLayer]:
    return {name: module for name, module in network.named_modules() if getattr(module, "spectral", False)}


def norm_of(layer: ScaledLayer) -> float:
    with torch.no_grad():
        return float(torch.linalg.svdvals(layer.scaled_weight(torch.float32).flatten(1))[0])


@pytest.mark.parametrize("architecture", ["resnet", "skip", "orig"])
def test_every_layer_that_a_picture_passes_has_norm_one(architecture: str) -> None:
    """Catches a layer that is left out, or a norm of another matrix than that of rows by everything else."""
    network, plain = judge(architecture=architecture), judge(False, architecture=architecture)
    layers = normalised(network)
    passed = {name for name, module in network.named_modules() if isinstance(module, (Conv, FullyConnected))}
    assert set(layers) == {name for name in passed if not name.startswith("mapping.")}
    assert all(norm_of(layer) == pytest.approx(1, abs=0.1) for layer in layers.values())
    assert [name for name, _ in network.named_parameters()] == [name for name, _ in plain.named_parameters()]
    assert not [name for name in plain.state_dict() if "_vector" in name]


def test_the_scale_at_which_weights_are_kept_does_not_matter() -> None:
    """Catches a gain of the equalised learning rate that is applied on top of the norm."""
    network, images = judge().eval(), pictures()
    before = network(images, LABELS)
    with torch.no_grad():
        for layer in normalised(network).values():
            layer.weight *= 7
    torch.testing.assert_close(network(images, LABELS), before, rtol=1e-4, atol=1e-7)


def test_the_gradient_goes_through_the_norm() -> None:
    """Catches a norm taken as a constant: the weight would grow along itself without end."""
    torch.manual_seed(0)
    layer = FullyConnected(5, 4, spectral=True).double().eval()
    weight, u = layer.weight, layer.left_vector
    layer.scaled_weight(torch.float64).square().sum().backward()
    v = torch.nn.functional.normalize(weight.detach().t() @ u, dim=0)
    sigma = u @ weight.detach() @ v  # Miyato et al. 2018, equation 11, with W / sigma as the result's own gradient
    outer = 2 * weight.detach() / sigma
    expected = (outer - (outer * weight.detach() / sigma).sum() * torch.outer(u, v)) / sigma
    torch.testing.assert_close(weight.grad, expected)
    assert float((weight.grad * weight.detach()).sum()) == pytest.approx(0, abs=1e-9)


def step(network: Discriminator, optimizer: torch.optim.Optimizer, seed: int) -> None:
    images = pictures(seed).requires_grad_(True)
    logits = network(images, LABELS)
    loss = logits.mean() - network(pictures(seed + 50), LABELS).mean() + r1_penalty(logits, images)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def adam(network: Discriminator) -> torch.optim.Adam:
    # Fused, since that one changes weights without counting it in their versions.
    return torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=0.02, betas=(0.0, 0.99), fused=True)


def test_one_iteration_for_every_update_and_none_outside_training() -> None:
    """Catches an iteration for every pass: real and generated pictures would be judged by different functions."""
    network = judge().train()
    layer, optimizer = network.b8.conv0, adam(network)
    network(pictures(), LABELS)
    first = layer.left_vector.clone()
    network(pictures(), LABELS)
    assert torch.equal(layer.left_vector, first)
    step(network, optimizer, 1)
    network.eval()(pictures(), LABELS)
    assert torch.equal(layer.left_vector, first)
    network.train()(pictures(), LABELS)
    assert not torch.equal(layer.left_vector, first)


def test_the_norm_is_followed_while_training() -> None:
    network = judge().train()
    optimizer = adam(network)
    for seed in range(6):
        step(network, optimizer, seed)
    assert all(norm_of(layer) == pytest.approx(1, abs=0.15) for layer in normalised(network).values())


@pytest.mark.parametrize("frozen", [0, 1])
@pytest.mark.parametrize("looked", [False, True], ids=["after an update", "after a pass"])
def test_training_goes_on_exactly_from_a_saved_state(frozen: int, looked: bool) -> None:
    """Catches a vector that is not saved, or that a loaded network turns once more or once less."""
    unbroken, resumed = judge().train(), judge().train()
    for network in (unbroken, resumed):
        for name in frozen_layers(network, frozen):
            network.get_parameter(name).requires_grad_(False)
    optimizer = adam(unbroken)
    for seed in range(2):
        step(unbroken, optimizer, seed)
    if looked:
        unbroken(pictures(), LABELS)
    saved = copy.deepcopy((unbroken.state_dict(), optimizer.state_dict()))
    again = adam(resumed)
    resumed.load_state_dict(saved[0])
    again.load_state_dict(saved[1])
    for seed in range(2, 4):
        step(unbroken, optimizer, seed)
        step(resumed, again, seed)
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in unbroken.state_dict().items())


def test_weights_of_a_training_without_the_norm_are_taken() -> None:
    """Catches a vector that has nothing to do with the loaded weight; layers that are frozen would keep it for ever."""
    plain, network = judge(False), judge()
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    network.load_state_dict(plain.state_dict())
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in plain.state_dict().items())
    assert all(norm_of(layer) == pytest.approx(1, abs=0.1) for layer in normalised(network).values())
    with pytest.raises(RuntimeError, match="b4.fc.weight"):
        network.load_state_dict({name: value for name, value in plain.state_dict().items() if name != "b4.fc.weight"})


def test_bfloat16_and_checkpoints_change_nothing_but_rounding() -> None:
    network, gradients, images = judge().train(), [], pictures()
    verdicts = []
    for compute in (Compute(), BF16, Compute(checkpoint=True)):
        network.zero_grad()
        with network.computing(compute):
            verdicts.append(network(images, LABELS))
            verdicts[-1].sum().backward()
        gradients.append(network.b16.conv0.weight.grad.clone())
    scale = verdicts[0].abs().max()
    assert (verdicts[1] - verdicts[0]).abs().max() <= 0.05 * scale
    assert torch.equal(verdicts[2], verdicts[0]) and torch.equal(gradients[2], gradients[0])


def test_a_verdict_changes_with_the_condition_no_more_than_its_direction_does() -> None:
    network = judge().eval()
    before = network(pictures(), LABELS)
    for name in ("weight", "bias"):
        getattr(network.mapping.fc7, name).data.mul_(5)  # the last layer before the product with the picture
    torch.testing.assert_close(network(pictures(), LABELS), before, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("architecture", ["resnet", "skip", "orig"])
def test_frozen_layers_are_those_nearest_to_the_picture(architecture: str) -> None:
    network = judge(architecture=architecture)
    assert frozen_layers(network, 0) == ()
    one = frozen_layers(network, 1)
    assert {name.split(".")[0] for name in one} == {"b16"} and "b16.fromrgb.weight" in one
    assert {name.split(".")[0] for name in frozen_layers(network, 2)} == {"b16", "b8"}
    assert set(one) <= {name for name, _ in network.named_parameters()}
    for count in (-1, 3):
        with pytest.raises(UsageError, match="2 blocks that can be frozen"):
            frozen_layers(network, count)


def test_passes_before_one_gradient_may_follow_an_update() -> None:
    """Catches vectors that are changed in place while a pass still needs them for its gradient."""
    network = judge().train()
    step(network, adam(network), 1)
    (network(pictures(), LABELS) - network(pictures(2), LABELS)).sum().backward()


@pytest.mark.parametrize("spectral", [False, True], ids=["plain", "spectral"])
def test_frozen_layers_stay_as_they_are(spectral: bool) -> None:
    network = judge(spectral).train()
    names, before = frozen_layers(network, 1), copy.deepcopy(network.state_dict())
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in names)
    optimizer = adam(network)
    for seed in range(2):
        step(network, optimizer, seed)
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert not moved & set(names) and "b8.conv0.weight" in moved
