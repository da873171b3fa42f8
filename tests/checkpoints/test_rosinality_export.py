"""Our networks in the .pt layout of the official StyleGAN-NADA: nothing lost, nothing missing in a strict load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_makers import (
    random_discriminator,
    random_generator,
    rosinality_discriminator,
    torch_file,
)

from nada.checkpoints import export_generator, load_discriminator, load_generator
from nada.checkpoints.rosinality_export import discriminator_losses, export_discriminator, losses_of_export
from nada.errors import NadaError
from nada.models import default_channels

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = {"resolution": 16, "channels": (6, 4, 2), "z_dim": 5, "w_dim": 5, "mapping_layers": 2}


def written(path: Path, value: Any) -> Path:
    path.write_bytes(torch_file(value))
    return path


def test_the_golden_file_is_given_back_bit_for_bit() -> None:
    path = GOLDEN / "stylegan2-rosinality-64.pt"
    expected, found = torch.load(path, weights_only=True), export_generator(load_generator(path))
    assert set(found["g_ema"]) == set(expected["g_ema"])  # a strict load asks for exactly these
    for name, value in expected["g_ema"].items():
        assert found["g_ema"][name].shape == value.shape and torch.equal(found["g_ema"][name], value), name
    assert torch.equal(found["latent_avg"], expected["latent_avg"])


def test_another_learning_rate_of_the_mapping_is_folded_and_said(tmp_path: Path) -> None:
    made = random_generator(**SMALL, mapping_lr_multiplier=0.5)
    loaded = load_generator(written(tmp_path / "x.pt", export_generator(made)))
    z = torch.randn(3, 5)
    torch.testing.assert_close(loaded(z, truncation=0.7), made(z, truncation=0.7), rtol=1e-4, atol=1e-4)
    assert "0.5" in losses_of_export(made.config)[0]


@pytest.mark.parametrize("sizes", [{"num_classes": 2}, {"text_dim": 2}, {"image_channels": 1}, {"z_dim": 6}])
def test_what_the_layout_cannot_hold_is_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(NadaError, match="convert it to a folder"):
        export_generator(random_generator(**{**SMALL, **sizes}))


def test_it_is_said_what_the_official_code_would_do_differently() -> None:
    losses = losses_of_export(random_generator(**SMALL, conv_clamp=256.0).config)
    assert "clamp" in losses[0] and "widths" in losses[1]
    full = {"resolution": 4, "channels": (512,), "z_dim": 512, "w_dim": 512}
    assert losses_of_export(random_generator(**full).config) == []


@pytest.mark.parametrize("resolution", [8, 32, 128])
def test_a_discriminator_has_every_tensor_of_that_layout_and_comes_back_whole(tmp_path: Path, resolution: int) -> None:
    channels = default_channels(resolution, base=512, maximum=6)
    made = random_discriminator(resolution=resolution, channels=channels)
    found, expected = export_discriminator(made), rosinality_discriminator(made)
    assert set(found) == set(expected)  # a strict load asks for exactly these, the filters among them
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    loaded = load_discriminator(written(tmp_path / "x.pt", {"d": found}))
    assert loaded.config == made.config
    assert all(torch.equal(loaded.state_dict()[name], value) for name, value in made.state_dict().items())


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"num_classes": 2}, "classes"),
        ({"text_dim": 3}, "text"),
        ({"architecture": "orig"}, "orig"),
        ({"architecture": "skip"}, "skip"),
        ({"mbstd_channels": 0}, "minibatch"),
        ({"spectral_norm": True}, "spectral"),
        ({"image_channels": 1}, "1 channels"),
    ],
)
def test_a_discriminator_of_another_kind_is_refused(sizes: dict[str, Any], words: str) -> None:
    with pytest.raises(NadaError, match=words):
        export_discriminator(random_discriminator(**{"resolution": 8, "channels": (4, 2), **sizes}))


def test_settings_of_a_discriminator_that_the_layout_drops_are_named() -> None:
    plain = random_discriminator(resolution=8, channels=(4, 2)).config
    other = random_discriminator(resolution=8, channels=(4, 2), conv_clamp=256.0, mbstd_group=8).config
    assert discriminator_losses(plain) == []
    assert [word in loss for word, loss in zip(("256", "groups of 8"), discriminator_losses(other))] == [True, True]
