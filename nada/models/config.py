"""Sizes of the networks: everything that must be known to build one, and nothing else."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Mapping

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
    if min(sizes) < 1 or config.mapping_layers < 1 or config.num_classes < 0:
        raise NadaError(f"Every size of a network must be positive: {config}.")


def _from_dict(cls: type, values: Mapping[str, Any]) -> Any:
    known = {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise NadaError(f"Unknown network setting {unknown[0]!r}; this file may need a newer version of nada.")
    try:
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
    except TypeError as error:
        raise NadaError(f"The network settings are incomplete: {error}.") from error


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes of a generator. `channels` has one number per block, 4 px first; `num_classes` 0 is unconditional."""

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

    def __post_init__(self) -> None:
        _check(self)
        if min(self.z_dim, self.w_dim) < 1:
            raise NadaError(f"Every size of a network must be positive: {self}.")
        if self.class_names and len(self.class_names) != self.num_classes:
            raise NadaError(f"{len(self.class_names)} class names were given for {self.num_classes} classes.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_dict` reads them back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GeneratorConfig:
        """Build from `to_dict`'s values. Raises NadaError for unknown, missing or impossible ones."""
        return _from_dict(cls, values)


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Sizes of a discriminator. `channels` has one number per block, 4 px first.

    `mbstd_group` samples share one minibatch standard deviation, seen as `mbstd_channels` extra maps (0: none).
    `cmap_dim` is the width that class and picture are compared in; None takes the width of the 4 px block.
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

    def __post_init__(self) -> None:
        _check(self)
        if self.architecture not in ARCHITECTURES:
            raise NadaError(f"Unknown discriminator architecture {self.architecture!r}: one of {ARCHITECTURES}.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_dict` reads them back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DiscriminatorConfig:
        """Build from `to_dict`'s values. Raises NadaError for unknown, missing or impossible ones."""
        return _from_dict(cls, values)
