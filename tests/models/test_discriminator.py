"""The discriminator: architectures, classes, groups. Values are held by the golden files."""

from __future__ import annotations

import pytest
import torch

from nada.errors import NadaError, UsageError
from nada.models import Discriminator, DiscriminatorConfig, default_channels
from nada.models.discriminator import minibatch_std


@pytest.mark.parametrize("architecture", ["resnet", "skip", "orig"])
@pytest.mark.parametrize("resolution", [4, 8, 32])
def test_every_architecture_judges_every_size(architecture: str, resolution: int) -> None:
    blocks = resolution.bit_length() - 2
    network = Discriminator(DiscriminatorConfig(resolution, (6,) * blocks, architecture=architecture))
    images = torch.randn(3, 3, resolution, resolution, requires_grad=True)
    logits = network(images)
    assert logits.shape == (3, 1)
    logits.sum().backward()
    assert images.grad.abs().sum() > 0
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_published_size_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        network = Discriminator(DiscriminatorConfig(1024, default_channels(1024, 32768)))
    assert sum(parameter.numel() for parameter in network.parameters()) == 29_012_513


def test_the_class_changes_the_verdict_and_is_required() -> None:
    network = Discriminator(DiscriminatorConfig(8, (6, 6), num_classes=2))
    images = torch.randn(1, 3, 8, 8)
    first, second = (network(images, torch.tensor([label])) for label in (0, 1))
    assert not torch.equal(first, second)
    assert torch.equal(first, network(images, torch.tensor([[1.0, 0.0]])))
    with pytest.raises(UsageError, match="class of every picture"):
        network(images)


def test_minibatch_std_sees_a_collapsed_batch() -> None:
    same, different = torch.ones(4, 2, 3, 3), torch.randn(4, 2, 3, 3)
    assert minibatch_std(same, 4, 1)[:, 2].max() < 1e-3
    expected = (different.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
    torch.testing.assert_close(minibatch_std(different, 4, 1)[0, 2], expected.expand(3, 3))


def test_minibatch_std_takes_a_group_that_divides_the_batch() -> None:
    assert minibatch_std(torch.randn(6, 2, 3, 3), 4, 1).shape == (6, 3, 3, 3)


@pytest.mark.parametrize("settings", [{"mbstd_group": 0}, {"mbstd_channels": -1}, {"mbstd_channels": 4}], ids=str)
def test_impossible_minibatch_statistics_are_refused(settings: dict[str, int]) -> None:
    """As of a damaged file: they would end the first pass in an error of the reshaping."""
    with pytest.raises(NadaError, match="minibatch deviation .* the 6 channels"):
        DiscriminatorConfig(8, (6, 4), **settings)


def test_groups_of_the_minibatch_std_are_those_of_the_published_code() -> None:
    """Samples i, i + N / group, … and not neighbours: weights of others would see other pictures side by side."""
    x = torch.tensor([0.0, 5.0, 1.0, 5.0]).reshape(4, 1, 1, 1)
    assert minibatch_std(x, 2, 1)[:, 1].flatten().tolist() == pytest.approx([0.5, 1e-4, 0.5, 1e-4], abs=1e-6)


def test_unknown_architecture_is_refused() -> None:
    with pytest.raises(NadaError, match="resnet"):
        DiscriminatorConfig(8, (4, 4), architecture="unet")
