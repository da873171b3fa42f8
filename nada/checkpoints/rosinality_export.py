"""Our networks in the layout of rosinality/stylegan2-pytorch, with every tensor that a strict load there asks for."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from nada.checkpoints.rosinality import LR_MULTIPLIER
from nada.checkpoints.rosinality_names import (
    discriminator_filter_names,
    discriminator_names,
    filter_names,
    generator_names,
    to_their_shape,
)
from nada.errors import NadaError
from nada.models import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from nada.ops import setup_filter

_GROUP = 4  # samples that share a minibatch deviation; fixed in that code


def losses_of_export(config: GeneratorConfig) -> list[str]:
    """Return what is lost, in words, when a generator of this configuration goes to the official code."""
    losses = []
    if config.conv_clamp is not None:
        losses.append(f"the clamp of activations at ±{config.conv_clamp:g} is dropped")
    if config.mapping_lr_multiplier != LR_MULTIPLIER:
        losses.append(
            f"the mapping is rescaled from a learning rate multiplier of {config.mapping_lr_multiplier:g} to "
            f"{LR_MULTIPLIER:g}, which may move the last bit of its weights"
        )
    table = tuple(min(512, 32768 // (4 << index)) for index in range(len(config.channels)))
    if config.channels != table or config.mapping_layers != 8 or config.w_dim != 512:
        losses.append(
            "its widths or its mapping are not those that StyleGAN-NADA builds (config F, 8 layers, 512), so "
            "that code must be told the sizes to load it"
        )
    return losses


def _state(network: Generator | Discriminator) -> dict[str, Tensor]:
    return {name: value.detach().cpu().float() for name, value in network.state_dict().items()}


def export_generator(generator: Generator) -> dict[str, Any]:
    """Return `{"g_ema": …, "latent_avg": (w_dim,)}` with every tensor that a strict load there asks for.

    Raises NadaError for what that code cannot hold: conditions, other than 3 channels, z and w of unlike width.
    """
    config = generator.config
    for wrong, what in (
        (config.num_classes, f"has {config.num_classes} classes"),
        (config.text_dim, "follows text"),
        (config.image_channels != 3, f"makes pictures of {config.image_channels} channels"),
        (config.z_dim != config.w_dim, f"maps {config.z_dim} to {config.w_dim} numbers"),
    ):
        if wrong:
            raise NadaError(f"This generator {what}, which a rosinality .pt cannot hold; convert it to a folder instead.")
    ours = _state(generator)
    factor = config.mapping_lr_multiplier / LR_MULTIPLIER
    state = {}
    for name, theirs in generator_names(len(config.channels), config.mapping_layers).items():
        value = ours[name] * factor if name.startswith("mapping.") and factor != 1 else ours[name]
        state[theirs] = to_their_shape(name, value).clone()
    for name in filter_names(len(config.channels)):
        state[name] = setup_filter() * 4
    return {"g_ema": state, "latent_avg": ours["mapping.w_avg"].clone()}


def misfit_of(config: DiscriminatorConfig) -> str:
    """Return why a discriminator of this configuration does not fit into that layout; empty if it does."""
    for wrong, what in (
        (config.condition_dim, f"compares pictures with {'classes' if config.num_classes else 'text'}"),
        (config.image_channels != 3, f"judges pictures of {config.image_channels} channels"),
        (config.resolution > 4 and config.architecture != "resnet", f"is of the kind {config.architecture!r}"),
        (config.spectral_norm, "has spectral normalisation"),
        (config.mbstd_channels != 1, f"has {config.mbstd_channels} maps of minibatch deviation"),
    ):
        if wrong:
            return what
    return ""


def discriminator_losses(config: DiscriminatorConfig) -> list[str]:
    """Return what is lost, in words, when a discriminator that fits goes to that layout."""
    losses = []
    if config.conv_clamp is not None:
        losses.append(f"the discriminator's clamp at ±{config.conv_clamp:g} is dropped")
    if config.mbstd_group != _GROUP:
        losses.append(f"the discriminator's groups of {config.mbstd_group} pictures become groups of {_GROUP}")
    return losses


def export_discriminator(discriminator: Discriminator) -> dict[str, Tensor]:
    """Return the entry `d` of a checkpoint, filters included. Raises NadaError for what does not fit."""
    config = discriminator.config
    if what := misfit_of(config):
        raise NadaError(f"This discriminator {what}, which a rosinality .pt cannot hold.")
    ours, count = _state(discriminator), len(config.channels)
    state = {theirs: ours[name].clone() for name, theirs in discriminator_names(count).items()}
    return {**state, **{name: setup_filter() for name in discriminator_filter_names(count)}}
