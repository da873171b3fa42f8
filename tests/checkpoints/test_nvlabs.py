"""Pickles of NVIDIA's layouts in many sizes: all values and settings come back, and nothing is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_makers import (
    Network,
    Persistent,
    foreign_pickle,
    nvlabs_discriminator,
    nvlabs_file,
    nvlabs_generator,
    random_discriminator,
    random_generator,
)

from nada.checkpoints import load_discriminator, load_generator, read_generator
from nada.errors import NadaError

SIZES: list[dict[str, Any]] = [
    {"resolution": 4, "channels": (6,), "z_dim": 5, "w_dim": 5, "mapping_layers": 1},
    {"resolution": 8, "channels": (6, 4), "z_dim": 5, "w_dim": 7, "mapping_layers": 2, "conv_clamp": 256.0},
    {"resolution": 16, "channels": (8, 8, 2), "z_dim": 8, "w_dim": 8, "mapping_layers": 4, "num_classes": 1},
    {
        "resolution": 32,
        "channels": (4, 3, 2, 1),
        "z_dim": 6,
        "w_dim": 4,
        "mapping_layers": 8,
        "num_classes": 3,
    },
    {
        "resolution": 64,
        "channels": (4,) * 5,
        "z_dim": 4,
        "w_dim": 4,
        "mapping_layers": 2,
        "image_channels": 1,
    },
    {
        "resolution": 256,
        "channels": (2,) * 7,
        "z_dim": 4,
        "w_dim": 4,
        "mapping_layers": 3,
        "mapping_lr_multiplier": 0.1,
    },
]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def refusal(path: Path, data: bytes) -> str:
    with pytest.raises(NadaError) as info:
        load_generator(written(path, data))
    assert str(path) in str(info.value) and "\n" not in str(info.value)
    return str(info.value)


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: str(sizes["resolution"]))
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_generators_of_every_size_come_back_whole(tmp_path: Path, sizes: dict[str, Any], protocol: int) -> None:
    made = random_generator(**sizes)
    data = nvlabs_file(protocol, G=nvlabs_generator(random_generator(1, **sizes)), G_ema=nvlabs_generator(made))
    loaded = load_generator(written(tmp_path / "model.bin", data))
    assert loaded.config == made.config
    state = loaded.state_dict()
    assert all(torch.equal(state[name], value) for name, value in made.state_dict().items())


@pytest.mark.parametrize("architecture", ["orig", "skip", "resnet"])
@pytest.mark.parametrize("classes", [0, 3])
def test_discriminators_come_back_whole(tmp_path: Path, architecture: str, classes: int) -> None:
    cmap = {"cmap_dim": 5, "mapping_layers": 2} if classes else {}
    made = random_discriminator(
        resolution=16,
        channels=(8, 6, 4),
        num_classes=classes,
        architecture=architecture,
        mbstd_group=2,
        mbstd_channels=2,
        conv_clamp=256.0,
        **cmap,
    )
    loaded = load_discriminator(written(tmp_path / "model.pkl", nvlabs_file(D=nvlabs_discriminator(made))))
    assert loaded.config == made.config
    images, labels = torch.randn(4, 3, 16, 16), torch.arange(4) % 3 if classes else None
    assert torch.equal(loaded(images, labels), made(images, labels))


def test_without_averaged_weights_the_plain_ones_serve_and_it_is_said(tmp_path: Path) -> None:
    made = random_generator(**SIZES[1])
    loaded = read_generator(written(tmp_path / "g.pkl", nvlabs_file(G=nvlabs_generator(made))))
    assert torch.equal(loaded.generator.b4.const, made.b4.const) and "G_ema" in loaded.note


def test_a_network_alone_is_read_too(tmp_path: Path) -> None:
    made = random_generator(**SIZES[1])
    loaded = load_generator(written(tmp_path / "g.pkl", foreign_pickle(nvlabs_generator(made))))
    assert torch.equal(loaded.b4.const, made.b4.const)


def _each(part: Persistent) -> list[Persistent]:
    children = part.state.get("_modules", {}).values()
    return [part, *(below for child in children if isinstance(child, Persistent) for below in _each(child))]


def test_layers_built_without_noise_add_none(tmp_path: Path) -> None:
    made = random_generator(**SIZES[1])
    stub = nvlabs_generator(made)
    for part in _each(stub):
        if "use_noise" in part.state:
            part.state["use_noise"] = False
            del part.state["_buffers"]["noise_const"], part.state["_parameters"]["noise_strength"]
    loaded = load_generator(written(tmp_path / "g.pkl", nvlabs_file(G_ema=stub)))
    z = torch.randn(2, made.config.z_dim)
    torch.testing.assert_close(loaded(z, noise="const"), made(z, noise="none"))


def test_the_mean_style_is_computed_when_it_was_never_tracked(tmp_path: Path) -> None:
    made = random_generator(**SIZES[1])
    stub = nvlabs_generator(made)
    del stub.state["_modules"]["mapping"].state["_buffers"]["w_avg"]
    loaded = load_generator(written(tmp_path / "g.pkl", nvlabs_file(G_ema=stub)))
    expected = made.mapping(torch.randn(20_000, made.config.z_dim)).mean(0)
    torch.testing.assert_close(loaded.mapping.w_avg, expected, atol=0.05, rtol=0)


def _changed(kind: str) -> bytes:
    stub = nvlabs_generator(random_generator(**SIZES[1]))
    synthesis, mapping = stub.state["_modules"]["synthesis"], stub.state["_modules"]["mapping"]
    block = synthesis.state["_modules"]["b8"]
    layer = block.state["_modules"]["conv0"]
    if kind == "stylegan3":
        synthesis.state["_modules"] = {"input": block, "L0_36_512": block}
    if kind == "resnet":
        block.state["architecture"] = "resnet"
    if kind == "filter":
        layer.state["_buffers"]["resample_filter"] = torch.full((4, 4), 1 / 16)
    if kind == "activation":
        layer.state["activation"] = "relu"
    if kind == "clamp":
        layer.state["conv_clamp"] = 8
    if kind == "missing":
        del layer.state["_parameters"]["bias"]
    if kind == "gap":
        del synthesis.state["_modules"]["b4"]
    if kind == "width":
        layer.state["_parameters"]["weight"] = torch.randn(4, 5, 3, 3)
    if kind == "NaN":
        mapping.state["_modules"]["fc0"].state["_parameters"]["bias"] = torch.full((7,), float("nan"))
    if kind == "whole numbers":
        layer.state["_parameters"]["bias"] = torch.zeros(4, dtype=torch.int64)
    return nvlabs_file(G_ema=stub)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("stylegan3", "StyleGAN3"),
        ("resnet", "'resnet'"),
        ("filter", "low-pass filter"),
        ("activation", "'relu'"),
        ("clamp", "clamp"),
        ("missing", "b8.conv0.bias is missing"),
        ("gap", "blocks are [8]"),
        ("width", "b8.conv0.weight"),
        ("NaN", "NaN or infinity in mapping.fc0.bias"),
        ("whole numbers", "whole numbers"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(tmp_path: Path, kind: str, words: str) -> None:
    assert words in refusal(tmp_path / "g.pkl", _changed(kind))


def test_a_tensorflow_pickle_is_refused_with_the_way_out(tmp_path: Path) -> None:
    message = refusal(tmp_path / "g.pkl", foreign_pickle((Network(), Network(), Network())))
    assert "TensorFlow" in message and "legacy.py" in message


def test_a_pickle_without_a_network_is_refused(tmp_path: Path) -> None:
    assert "no StyleGAN2 network" in refusal(tmp_path / "g.pkl", foreign_pickle({"a": 1}))
    made = nvlabs_file(D=nvlabs_discriminator(random_discriminator(resolution=8, channels=(4, 4))))
    assert "no generator" in refusal(tmp_path / "d.pkl", made)
    with pytest.raises(NadaError, match="no discriminator"):
        load_discriminator(written(tmp_path / "g.pkl", nvlabs_file(G=nvlabs_generator(random_generator(**SIZES[0])))))
