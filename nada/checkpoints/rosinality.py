"""Checkpoints of rosinality/stylegan2-pytorch, those of the official StyleGAN-NADA, as they are read.

The networks are the same as NVIDIA's; names, shapes and the place of some constants differ. Settings are not
stored at all. Writing is in `rosinality_export`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nada.checkpoints.problems import BadFile
from nada.checkpoints.rosinality_names import (
    convolutions,
    discriminator_names,
    filter_names,
    generator_names,
    our_shape,
)
from nada.checkpoints.sizes import (
    Values,
    count_of,
    discriminator_sizes,
    generator_sizes,
    load_values,
    shapes_of,
)
from nada.checkpoints.stored import StoredTensor
from nada.models import DiscriminatorConfig, GeneratorConfig
from nada.ops import setup_filter

LR_MULTIPLIER = 0.01  # of the mapping; fixed in that code
_WRAPPERS = ("g_ema", "generator_ema", "state_dict", "g", "generator", "model")


def _tensors(value: Any) -> dict[str, StoredTensor]:
    if not isinstance(value, dict):
        return {}
    return {key: item for key, item in value.items() if isinstance(key, str) and isinstance(item, StoredTensor)}


def _without_prefix(state: dict[str, StoredTensor], landmark: str) -> dict[str, StoredTensor]:
    """Return the entries below the prefix that `landmark` has (`module.`, `decoder.`, …), if it is there."""
    prefixes = sorted((name[: -len(landmark)] for name in state if name.endswith(landmark)), key=len)
    prefixes = [prefix for prefix in prefixes if not prefix or prefix.endswith(".")]
    if not prefixes:
        return {}
    return {name[len(prefixes[0]) :]: value for name, value in state.items() if name.startswith(prefixes[0])}


def find_generator(checkpoint: Any) -> dict[str, StoredTensor]:
    """Return the state dict of the averaged generator, or else of the generator; empty if there is none."""
    wrapped = [checkpoint.get(key) for key in _WRAPPERS] if isinstance(checkpoint, dict) else []
    for candidate in [*wrapped, checkpoint]:
        if state := _without_prefix(_tensors(candidate), "input.input"):
            return state
    return {}


def find_discriminator(checkpoint: Any) -> dict[str, StoredTensor]:
    """Return the state dict of the discriminator; empty if there is none."""
    wrapped = checkpoint.get("d") if isinstance(checkpoint, dict) else None
    for candidate in (wrapped, checkpoint):
        if state := _without_prefix(_tensors(candidate), "final_linear.1.weight"):
            return state
    return {}


def _missing_noise(name: str, size: int) -> Tensor:
    """Draw a noise map for files from before these were stored; the same one every time."""
    seed = sum(map(ord, name)) + size
    return torch.from_numpy(np.random.RandomState(seed).randn(size, size)).float()


def _check_filters(state: Mapping[str, StoredTensor], gain: float) -> None:
    expected = setup_filter() * gain
    for name, value in state.items():
        if name.endswith(".kernel"):
            if value.shape != (4, 4) or not value.load().float().sub(expected).abs().max() < 1e-3:
                raise BadFile(f"uses another low-pass filter than [1, 3, 3, 1] in {name}, which is not supported")


def _renamed(state: Mapping[str, StoredTensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    stored = load_values({theirs: state[theirs] for theirs in names.values() if theirs in state})
    values = {}
    for ours, theirs in names.items():
        if theirs in stored:
            shape = our_shape(ours, tuple(stored[theirs].shape))
            if math.prod(shape) != stored[theirs].numel():
                raise BadFile(f"has {theirs} in the form {list(stored[theirs].shape)}, which is not that of StyleGAN2")
            values[ours] = stored[theirs].reshape(shape)
    return values


def _mean_style(checkpoint: Any) -> dict[str, Tensor]:
    """Return `mapping.w_avg` if the file has `latent_avg`: one style, or the same one for every layer."""
    stored = checkpoint.get("latent_avg") if isinstance(checkpoint, dict) else None
    if not isinstance(stored, StoredTensor):
        return {}
    rows = load_values({"latent_avg": stored})["latent_avg"]
    rows = rows.reshape(-1, rows.shape[-1]) if rows.ndim else rows
    if rows.ndim != 2 or not len(rows) or not torch.allclose(rows, rows[:1].expand_as(rows)):
        raise BadFile("has a latent_avg that is not one mean style")
    return {"mapping.w_avg": rows[0].clone()}


def read_generator(checkpoint: Any) -> tuple[GeneratorConfig, Values]:
    """Return configuration and tensors of the generator in a loaded checkpoint. Raises BadFile.

    Without `latent_avg` there is no `mapping.w_avg` among them; missing noise maps are drawn, always alike.
    """
    state = find_generator(checkpoint)
    shapes_of(state)
    blocks = 1 + count_of(state, "to_rgbs.%d.bias")
    if blocks > 11:
        raise BadFile("has more than eleven blocks; that is no StyleGAN2 generator")
    names = generator_names(blocks, _mapping_layers(state))
    known = {*names.values(), *filter_names(blocks)}
    if extra := sorted(name for name in state if name not in known and not name.endswith(".kernel")):
        raise BadFile(f"holds {extra[0]}, which a StyleGAN2 generator of this size does not have")
    _check_filters(state, 4.0)
    values = {**_renamed(state, names), **_mean_style(checkpoint)}
    for ours in convolutions(blocks):
        name = f"{ours}.noise_const"
        size = int(ours[1:].partition(".")[0])
        values.setdefault(name, _missing_noise(name, size))
    config = generator_sizes(shapes_of(values), mapping_lr_multiplier=LR_MULTIPLIER)
    return config, values


def _mapping_layers(state: Mapping[str, Any]) -> int:
    # style.0 is the normalisation of z and has no tensors.
    count = 0
    while f"style.{count + 1}.weight" in state:
        count += 1
    return count


def read_discriminator(checkpoint: Any) -> tuple[DiscriminatorConfig, Values]:
    """Return configuration and tensors of the discriminator `d` in a loaded checkpoint. Raises BadFile."""
    state = find_discriminator(checkpoint)
    shapes_of(state)
    count = 1
    while f"convs.{count}.skip.1.weight" in state:
        count += 1
    if count > 11:
        raise BadFile("has more than eleven blocks; that is no StyleGAN2 discriminator")
    names = discriminator_names(count)
    if extra := sorted(set(state) - set(names.values()) - {name for name in state if name.endswith(".kernel")}):
        raise BadFile(f"holds {extra[0]}, which a StyleGAN2 discriminator of this size does not have")
    _check_filters(state, 1.0)
    values = load_values({ours: state[theirs] for ours, theirs in names.items() if theirs in state})
    return discriminator_sizes(shapes_of(values)), values
