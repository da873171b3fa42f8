"""How rosinality/stylegan2-pytorch calls and shapes what we call `b64.conv1.weight`."""

from __future__ import annotations

import re

from torch import Tensor

_LEADING_ONE = re.compile(r"(conv\d|torgb)\.weight$")


def convolutions(count: int) -> dict[str, tuple[str, int]]:
    """Return, for `count` blocks, our layer name -> (their layer name, number of its noise map)."""
    names = {"b4.conv1": ("conv1", 0)}
    for index in range(1, count):
        size = 4 << index
        names[f"b{size}.conv0"] = (f"convs.{2 * index - 2}", 2 * index - 1)
        names[f"b{size}.conv1"] = (f"convs.{2 * index - 1}", 2 * index)
    return names


def pictures(count: int) -> dict[str, str]:
    """Return our name of every step to the picture -> theirs."""
    return {f"b{4 << index}.torgb": f"to_rgbs.{index - 1}" if index else "to_rgb1" for index in range(count)}


def generator_names(count: int, mapping_layers: int) -> dict[str, str]:
    """Return our name -> their name for every tensor of a generator of `count` blocks but the mean style."""
    names = {"b4.const": "input.input"}
    for index in range(mapping_layers):
        for kind in ("weight", "bias"):
            names[f"mapping.fc{index}.{kind}"] = f"style.{index + 1}.{kind}"
    for ours, (theirs, noise) in convolutions(count).items():
        names[f"{ours}.noise_strength"] = f"{theirs}.noise.weight"
        names[f"{ours}.noise_const"] = f"noises.noise_{noise}"
        names[f"{ours}.bias"] = f"{theirs}.activate.bias"
    for ours, theirs in pictures(count).items():
        names[f"{ours}.bias"] = f"{theirs}.bias"
    layers = {ours: theirs for ours, (theirs, _) in convolutions(count).items()}
    for ours, theirs in {**layers, **pictures(count)}.items():
        names[f"{ours}.weight"] = f"{theirs}.conv.weight"
        names[f"{ours}.affine.weight"] = f"{theirs}.conv.modulation.weight"
        names[f"{ours}.affine.bias"] = f"{theirs}.conv.modulation.bias"
    return names


def filter_names(count: int) -> list[str]:
    """Return their names of the low-pass filters, which are stored with a gain of 4."""
    blurs = [f"convs.{2 * index}.conv.blur.kernel" for index in range(count - 1)]
    return blurs + [f"to_rgbs.{index}.upsample.kernel" for index in range(count - 1)]


def our_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return our shape of a tensor that has `shape` there: without leading or trailing ones."""
    if name.endswith("noise_strength"):
        return shape[1:]
    if name.endswith("noise_const"):
        return shape[2:]
    if name.endswith("torgb.bias"):
        return shape[1:2]
    return shape[1:] if name == "b4.const" or _LEADING_ONE.search(name) else shape


def discriminator_names(count: int) -> dict[str, str]:
    """Return our name -> their name for every tensor of a discriminator of `count` blocks."""
    top = 4 << (count - 1)
    names = {f"b{top}.fromrgb.weight": "convs.0.0.weight", f"b{top}.fromrgb.bias": "convs.0.1.bias"}
    for index in range(1, count):
        ours, theirs = f"b{top >> (index - 1)}", f"convs.{index}"
        names[f"{ours}.conv0.weight"] = f"{theirs}.conv1.0.weight"
        names[f"{ours}.conv0.bias"] = f"{theirs}.conv1.1.bias"
        names[f"{ours}.conv1.weight"] = f"{theirs}.conv2.1.weight"
        names[f"{ours}.conv1.bias"] = f"{theirs}.conv2.2.bias"
        names[f"{ours}.skip.weight"] = f"{theirs}.skip.1.weight"
    names.update({"b4.conv.weight": "final_conv.0.weight", "b4.conv.bias": "final_conv.1.bias"})
    for ours, theirs in (("b4.fc", "final_linear.0"), ("b4.out", "final_linear.1")):
        names.update({f"{ours}.{kind}": f"{theirs}.{kind}" for kind in ("weight", "bias")})
    return names


def to_their_shape(name: str, value: Tensor) -> Tensor:
    """Return `value`, our tensor `name`, in the shape it has there."""
    if name.endswith("noise_strength"):
        return value.reshape(1)
    if name.endswith("noise_const"):
        return value[None, None]
    if name.endswith("torgb.bias"):
        return value.reshape(1, -1, 1, 1)
    return value[None] if name == "b4.const" or _LEADING_ONE.search(name) else value


def discriminator_filter_names(count: int) -> list[str]:
    """Return their names of a discriminator's low-pass filters, which sum to 1."""
    return [f"convs.{index}.{place}.0.kernel" for index in range(1, count) for place in ("conv2", "skip")]
