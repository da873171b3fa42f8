"""Files of the published layouts against the outputs of the published code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nada.checkpoints import load_discriminator, load_generator

GOLDEN = Path(__file__).parents[1] / "golden"
PICKLES = [
    "stylegan2-ada-32.pkl",
    "stylegan2-ada-64-cond.pkl",
    "stylegan2-sg3-32.pkl",
    "stylegan2-sg3-64-cond.pkl",
]
FILES = [*PICKLES, "stylegan2-rosinality-64.pt"]


def golden(name: str) -> dict[str, torch.Tensor]:
    with np.load((GOLDEN / name).with_suffix(".npz")) as file:
        return {key: torch.from_numpy(file[key]) for key in file}


def assert_close(found: torch.Tensor, expected: torch.Tensor) -> None:
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize("name", FILES)
@torch.no_grad()
def test_pictures_are_those_of_the_published_code(name: str) -> None:
    values, generator = golden(name), load_generator(GOLDEN / name)
    labels = values["c"] if generator.config.num_classes else None
    w = generator.map_latents(values["z"], labels)
    truncated = generator.map_latents(values["z"], labels, truncation=0.7)
    assert_close(w if values["w"].ndim == 3 else w[:, 0], values["w"])
    assert_close(generator.synthesize(w, "const"), values["img_const"])
    assert_close(generator.synthesize(truncated, "const"), values["img_psi07_const"])
    if "img_none" in values:
        assert_close(generator.synthesize(w, "none"), values["img_none"])
        assert_close(truncated, values["w_psi07"])
    if "latent_avg" in values:
        assert torch.equal(generator.mapping.w_avg, values["latent_avg"])


@pytest.mark.parametrize("name", PICKLES)
@torch.no_grad()
def test_logits_are_those_of_the_published_code(name: str) -> None:
    values, discriminator = golden(name), load_discriminator(str(GOLDEN / name))
    labels = values["c"] if discriminator.config.num_classes else None
    assert_close(discriminator(values["img_const"], labels), values["d_logits"])


def test_sizes_are_read_from_the_tensors() -> None:
    config = load_generator(GOLDEN / "stylegan2-ada-64-cond.pkl").config
    assert (config.resolution, config.channels, config.num_classes) == (64, (32, 32, 32, 32, 16), 10)
    assert (config.z_dim, config.w_dim, config.mapping_layers) == (64, 64, 8)


def test_loaded_networks_are_ready_to_use() -> None:
    generator = load_generator(GOLDEN / "stylegan2-ada-32.pkl")
    assert not generator.training and not any(p.requires_grad for p in generator.parameters())
