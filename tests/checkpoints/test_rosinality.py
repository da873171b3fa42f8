"""The .pt layout that the official StyleGAN-NADA reads and writes, as we read it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_makers import (
    FILTER,
    random_discriminator,
    random_generator,
    rosinality_discriminator,
    rosinality_state,
    torch_file,
)

from nada.checkpoints import load_discriminator, load_generator, read_generator
from nada.errors import NadaError
from nada.models import Generator, default_channels

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = {"resolution": 16, "channels": (6, 4, 2), "z_dim": 5, "w_dim": 5, "mapping_layers": 2}


def written(path: Path, value: Any, legacy: bool = False) -> Path:
    path.write_bytes(torch_file(value, legacy))
    return path


def assert_same(found: Generator, made: Generator, but: tuple[str, ...] = ()) -> None:
    state = found.state_dict()
    different = [name for name, value in made.state_dict().items() if not torch.equal(state[name], value)]
    assert set(different) == set(but)


@pytest.mark.parametrize("resolution", [4, 8, 32, 128, 256])
@pytest.mark.parametrize("legacy", [False, True])
def test_generators_of_every_size_come_back_whole(tmp_path: Path, resolution: int, legacy: bool) -> None:
    channels = default_channels(resolution, base=512, maximum=6)
    made = random_generator(resolution=resolution, channels=channels, z_dim=4, w_dim=4, mapping_layers=4)
    value = {"g_ema": rosinality_state(made), "latent_avg": made.mapping.w_avg}
    loaded = load_generator(written(tmp_path / "x.pt", value, legacy))
    assert loaded.config == made.config
    assert_same(loaded, made)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_training_checkpoint_is_read_without_its_options(tmp_path: Path, legacy: bool) -> None:
    made = random_generator(**SMALL)
    state = rosinality_state(made)
    parameters = [torch.nn.Parameter(value.clone()) for value in state.values()]
    optimiser = torch.optim.Adam(parameters)
    sum(value.sum() for value in parameters).backward()
    optimiser.step()
    value = {
        "g": rosinality_state(random_generator(1, **SMALL)),
        "g_ema": state,
        "g_optim": optimiser.state_dict(),
        "args": argparse.Namespace(size=16, path="data", mixing=0.9, nested=[1, None]),
        "ada_aug_p": 0.0,
    }
    loaded = read_generator(written(tmp_path / "x.pt", value, legacy))
    assert_same(loaded.generator, made, but=("mapping.w_avg",))
    assert "latent_avg" in loaded.note


def test_without_latent_avg_the_mean_style_is_computed_and_always_the_same(tmp_path: Path) -> None:
    made = random_generator(**SMALL)
    path = written(tmp_path / "x.pt", {"g_ema": rosinality_state(made)})
    first, second = load_generator(path).mapping.w_avg, load_generator(path).mapping.w_avg
    assert torch.equal(first, second)
    torch.testing.assert_close(first, made.mapping(torch.randn(20_000, 5)).mean(0), atol=0.05, rtol=0)


def test_a_mean_style_repeated_for_every_layer_is_one(tmp_path: Path) -> None:
    made = random_generator(**SMALL)
    value = {"g_ema": rosinality_state(made), "latent_avg": made.mapping.w_avg.repeat(6, 1)}
    assert_same(load_generator(written(tmp_path / "x.pt", value)), made)


@pytest.mark.parametrize("prefix", ["module.", "generator.", "decoder.net."])
def test_prefixes_do_not_matter(tmp_path: Path, prefix: str) -> None:
    made = random_generator(**SMALL)
    state = {prefix + name: value for name, value in rosinality_state(made).items()}
    state["encoder.weight"] = torch.zeros(3)
    loaded = load_generator(written(tmp_path / "x.pt", {"state_dict": state, "latent_avg": made.mapping.w_avg}))
    assert_same(loaded, made)


def test_a_bare_state_dict_without_filters_and_noise_is_enough(tmp_path: Path) -> None:
    made = random_generator(**SMALL)
    state = {name: v for name, v in rosinality_state(made, filters=False).items() if not name.startswith("noises")}
    path = written(tmp_path / "x.pt", state)
    noise = tuple(name for name in made.state_dict() if name.endswith("noise_const"))
    assert_same(load_generator(path), made, but=("mapping.w_avg", *noise))
    assert_same(load_generator(path), load_generator(path))


def test_half_precision_is_widened(tmp_path: Path) -> None:
    made = random_generator(**SMALL)
    state = {name: value.half() for name, value in rosinality_state(made).items()}
    loaded = load_generator(written(tmp_path / "x.pt", {"g_ema": state}))
    assert loaded.b8.conv0.weight.dtype == torch.float32
    assert torch.equal(loaded.b8.conv0.weight, made.b8.conv0.weight.half().float())


def test_views_of_any_stride_come_back_in_order(tmp_path: Path) -> None:
    made = random_generator(**SMALL)
    state = rosinality_state(made)
    state["style.1.weight"] = state["style.1.weight"].t().contiguous().t()
    assert_same(load_generator(written(tmp_path / "x.pt", {"g_ema": state})), made, but=("mapping.w_avg",))


def test_the_discriminator_comes_back_whole(tmp_path: Path) -> None:
    made = random_discriminator(resolution=32, channels=(8, 6, 4, 2))
    loaded = load_discriminator(written(tmp_path / "x.pt", {"d": rosinality_discriminator(made)}))
    assert loaded.config == made.config
    images = torch.randn(4, 3, 32, 32)
    assert torch.equal(loaded(images), made(images))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("convs.0.conv.blur.kernel", torch.ones(4, 4) / 4, "low-pass filter"),
        ("convs.1.conv.weight", torch.randn(1, 9, 4, 3, 3), "b8.conv"),
        ("convs.1.conv.weight", torch.randn(2, 4, 4, 3, 3), "convs.1.conv.weight"),
        ("style.2.bias", torch.full((5,), float("inf")), "style.2.bias"),
        ("extra.weight", torch.zeros(1), "extra.weight"),
        ("style.1.bias", None, "mapping.fc0.bias is missing"),
        ("conv1.conv.weight", None, "b4.conv1.weight"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, name: str, value: torch.Tensor | None, words: str) -> None:
    state = rosinality_state(random_generator(**SMALL))
    state[name] = value
    if value is None:
        del state[name]
    path = written(tmp_path / "x.pt", {"g_ema": state})
    with pytest.raises(NadaError) as info:
        load_generator(path)
    assert words in str(info.value) and str(path) in str(info.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            {"GAN": {"G.blocks.0.to_style1.weight": torch.zeros(2), "S.net.0.weight": torch.zeros(2)}},
            "lucidrains",
        ),
        ({"state_dict": {"generator_ema.style_mapping.1.weight": torch.zeros(2)}}, "mmgeneration"),
        ({"G_ema": {"synthesis.b4.const": torch.zeros(2, 4, 4)}}, "NVIDIA"),
        ({"model": {"layer.weight": torch.zeros(2)}, "epoch": 3}, "epoch, model"),
        ([1, 2], "without a StyleGAN2 generator"),
        ({"d": {}}, "without a StyleGAN2 generator"),
    ],
)
def test_checkpoints_of_other_projects_are_refused_by_name(tmp_path: Path, value: Any, words: str) -> None:
    with pytest.raises(NadaError, match=words):
        load_generator(written(tmp_path / "x.pt", value))


def test_the_filter_of_these_tests_is_the_published_one() -> None:
    stored = torch.load(GOLDEN / "stylegan2-rosinality-64.pt", weights_only=True)["g_ema"]["convs.0.conv.blur.kernel"]
    torch.testing.assert_close(FILTER * 4, stored)
