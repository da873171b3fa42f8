"""Sizes of the networks: everything that must be known to build one, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nada.errors import NadaError

ARCHITECTURES = ("resnet", "skip", "orig")


def default_channels(resolution: int, base: int = 16384, maximum: int = 512) -> tuple[int, ...]:
    """Return the published widths, `min(base / size, maximum)` for sizes 4, 8, … `resolution`.

    A `base` of 32768 is "config F" (channel multiplier 2), 16384 the half-width of the 256 px releases.
    """
    return tuple(min(base // size, maximum) for size in block_sizes(resolution))


def block_sizes(resolution: int) -> tuple[int, ...]:
    """Return 4, 8, … `resolution`. Raises NadaError unless it is a power of two of at least 4."""
    if resolution < 4 or resolution & (resolution - 1):
        raise NadaError(f"A StyleGAN2 resolution is a power of two of at least 4, not {resolution}.")
    return tuple(1 << power for power in range(2, resolution.bit_length()))


def _check(config: GeneratorConfig | DiscriminatorConfig) -> None:
    count = len(block_sizes(config.resolution))
    if len(config.channels) != count:
        raise NadaError(f"{config.resolution} px needs {count} channel numbers (4 px first), got {list(config.channels)}.")
    sizes = (*config.channels, config.image_channels)
    if min(sizes) < 1 or config.mapping_layers < 1 or min(config.num_classes, config.text_dim) < 0:
        raise NadaError(f"Every size of a network must be positive: {config}.")
    if config.num_classes and config.text_dim:
        raise NadaError("A network is conditioned on classes or on text, not on both.")


def _from_dict(cls: type, values: Mapping[str, Any]) -> Any:
    known = {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise NadaError(f"Unknown network setting {unknown[0]!r}; this file may need a newer version of nada.")
    try:
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
    except TypeError as error:
        raise NadaError(f"The network settings are incomplete: {error}.") from error


class _Conditions:
    """What both networks say of their conditions."""

    num_classes: int
    text_dim: int

    @property
    def condition_dim(self) -> int:
        """How many numbers a condition has: the number of classes, the width of a text embedding, or 0."""
        return self.num_classes or self.text_dim

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_dict` reads them back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}


@dataclass(frozen=True)
class GeneratorConfig(_Conditions):
    """Sizes of a generator. `channels` has one number per block, 4 px first.

    With `num_classes` it is conditioned on classes, with `text_dim` on embeddings of text by the guide `text_guide`;
    `prompts` are captions whose embeddings it carries with it. With neither it is unconditional.
    """

    resolution: int
    channels: tuple[int, ...]
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    num_classes: int = 0
    class_names: tuple[str, ...] = ()
    image_channels: int = 3
    conv_clamp: float | None = None
    mapping_lr_multiplier: float = 0.01
    text_dim: int = 0
    text_guide: str = ""
    prompts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self)
        if min(self.z_dim, self.w_dim) < 1:
            raise NadaError(f"Every size of a network must be positive: {self}.")
        if self.class_names and len(self.class_names) != self.num_classes:
            raise NadaError(f"{len(self.class_names)} class names were given for {self.num_classes} classes.")
        if (self.prompts or self.text_guide) and not self.text_dim:
            raise NadaError("Prompts and a text guide belong to a generator with a text_dim.")
        if len(set(self.prompts)) != len(self.prompts):
            raise NadaError("Every prompt that a generator knows is listed once.")

    @property
    def num_conditions(self) -> int:
        """How many conditions have a number: classes, or known prompts."""
        return self.num_classes or len(self.prompts)

    @property
    def condition_names(self) -> tuple[str, ...]:
        """The names of the numbered conditions; empty where classes have none."""
        return self.class_names or self.prompts

    def describe_conditions(self) -> str:
        """Return words for people: "10 classes", "text of demo, 120 known prompts", or nothing if unconditional."""
        if self.num_classes:
            return f"{self.num_classes} classes"
        if not self.text_dim:
            return ""
        return f"text of {self.text_guide or 'an unnamed guide'}, {len(self.prompts):,} known prompts"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GeneratorConfig:
        """Build from `to_dict`'s values. Raises NadaError for unknown, missing or impossible ones."""
        return _from_dict(cls, values)


@dataclass(frozen=True)
class DiscriminatorConfig(_Conditions):
    """Sizes of a discriminator. `channels` has one number per block, 4 px first.

    `mbstd_group` samples share one minibatch standard deviation, seen as `mbstd_channels` extra maps (0: none).
    With `spectral_norm` every layer is divided by its largest singular value (Miyato et al. 2018, arXiv:1802.05957).
    `cmap_dim` is the width that condition and picture are compared in; None takes the width of the 4 px block.
    """

    resolution: int
    channels: tuple[int, ...]
    num_classes: int = 0
    image_channels: int = 3
    architecture: str = "resnet"
    mbstd_group: int = 4
    mbstd_channels: int = 1
    conv_clamp: float | None = None
    cmap_dim: int | None = None
    mapping_layers: int = 8
    mapping_lr_multiplier: float = 0.01
    text_dim: int = 0
    spectral_norm: bool = False

    def __post_init__(self) -> None:
        _check(self)
        if self.architecture not in ARCHITECTURES:
            raise NadaError(f"Unknown discriminator architecture {self.architecture!r}: one of {ARCHITECTURES}.")
        if self.mbstd_group < 1 or self.mbstd_channels < 0 or self.channels[0] % (self.mbstd_channels or 1):
            raise NadaError(
                f"The minibatch deviation of {self.mbstd_group} pictures in {self.mbstd_channels} maps is impossible: "
                f"groups have one or more, and the maps divide the {self.channels[0]} channels of the 4 px block."
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DiscriminatorConfig:
        """Build from `to_dict`'s values. Raises NadaError for unknown, missing or impossible ones."""
        return _from_dict(cls, values)
