"""What the attributes of NVIDIA's stored networks say beyond their shapes.

The two repositories keep their options in different places and with different defaults, so that options are
read where they act: from the layers themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from nada.checkpoints.nvlabs import Part, network_values, parts_of
from nada.checkpoints.problems import BadFile
from nada.checkpoints.sizes import Values, discriminator_sizes, generator_sizes, shapes_of
from nada.models import DiscriminatorConfig, GeneratorConfig

_UNLIMITED_GROUP = 1 << 30  # the published `group_size=None`: the whole batch


def _common(parts: Iterable[tuple[str, Part]], key: str, default: Any, what: str) -> Any:
    """Return the value all `parts` have for `key`. Raises BadFile when they differ."""
    values = [part.get(key, default) for _, part in parts]
    if any(type(value) not in (int, float, str, bool, type(None)) for value in values):
        raise BadFile(f"has {what} in a form this program does not know")
    if any(value != values[0] for value in values):
        different = ", ".join(sorted({repr(value)[:40] for value in values})[:4])
        raise BadFile(f"has {what} that differs between layers ({different}), which is not supported")
    return values[0] if values else default


def _named(parts: dict[str, Part], *endings: str) -> list[tuple[str, Part]]:
    return [(name, part) for name, part in parts.items() if name.rpartition(".")[2] in endings]


def _clamp(parts: list[tuple[str, Part]]) -> float | None:
    clamp = _common(parts, "conv_clamp", None, "a clamp")
    if clamp is not None and (isinstance(clamp, (str, bool)) or not clamp > 0):
        raise BadFile(f"has the impossible clamp {clamp!r}")
    return None if clamp is None else float(clamp)


def _check_activation(parts: list[tuple[str, Part]]) -> None:
    kind = _common(parts, "activation", "lrelu", "an activation")
    if kind != "lrelu":
        raise BadFile(f"uses the activation {kind!r}; only the released lrelu is supported")


def _mapping_multiplier(parts: dict[str, Part]) -> float:
    layers = [(name, part) for name, part in parts.items() if name.startswith("mapping.fc")]
    multiplier = _common(layers, "bias_gain", 0.01, "a learning rate")
    if isinstance(multiplier, (str, bool)) or multiplier is None or not 0 < multiplier < 1e6:
        raise BadFile(f"has the impossible learning rate {multiplier!r} in its mapping")
    _check_activation(layers)
    return float(multiplier)


def _check_generator(network: Part) -> None:
    """Raise BadFile for the relatives of a StyleGAN2 generator that share its class name."""
    synthesis = network.children.get("synthesis")
    if synthesis is None or "mapping" not in network.children:
        raise BadFile(f"holds a network of class {network.class_name!r} that is no StyleGAN2 generator")
    names = synthesis.children
    if "input" in names or any(name.startswith("L") for name in names):
        raise BadFile("is a StyleGAN3 generator; only the StyleGAN2 architecture is supported (there: --cfg=stylegan2)")
    for name, block in names.items():
        architecture = block.get("architecture", "skip")
        if architecture != "skip":
            raise BadFile(
                f"is a StyleGAN2 generator of the architecture {str(architecture)[:40]!r} (block {name}); "
                "only 'skip' is supported"
            )


def _without_noise(parts: dict[str, Part]) -> dict[str, torch.Tensor]:
    """Return what makes a layer that was built without noise behave so: strength zero."""
    values = {}
    for name, part in _named(parts, "conv0", "conv1"):
        size = part.get("resolution")
        if part.get("use_noise") is False and type(size) is int and 4 <= size <= 4096:
            values[f"{name}.noise_strength"] = torch.zeros([])
            values[f"{name}.noise_const"] = torch.zeros(size, size)
    return values


def read_generator(network: Part) -> tuple[GeneratorConfig, Values]:
    """Return configuration and tensors of a stored generator. Raises BadFile for what is not supported."""
    _check_generator(network)
    parts = parts_of(network)
    layers = _named(parts, "conv0", "conv1")
    _check_activation(layers)
    values = {**_without_noise(parts), **network_values(network)}
    config = generator_sizes(
        shapes_of(values),
        conv_clamp=_clamp([*layers, *_named(parts, "torgb")]),
        mapping_lr_multiplier=_mapping_multiplier(parts),
    )
    return config, values


def _deviation_group(parts: dict[str, Part]) -> int:
    if "b4.mbstd" not in parts:
        return 4
    group = parts["b4.mbstd"].get("group_size")
    if group is None:
        return _UNLIMITED_GROUP
    if type(group) is not int or group < 1:
        raise BadFile(f"has the impossible minibatch group {str(group)[:40]!r}")
    return group


def read_discriminator(network: Part) -> tuple[DiscriminatorConfig, Values]:
    """Return configuration and tensors of a stored discriminator. Raises BadFile like `read_generator`."""
    parts = parts_of(network)
    layers = _named(parts, "conv0", "conv1", "conv")
    _check_activation(layers)
    values = network_values(network)
    config = discriminator_sizes(
        shapes_of(values),
        mbstd_group=_deviation_group(parts),
        conv_clamp=_clamp(layers),
        mapping_lr_multiplier=_mapping_multiplier(parts),
    )
    return config, values
