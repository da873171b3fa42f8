"""Key frames of a walk: styles with a straight line between them, or latents with an arc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from nada.generation.blocks import styles_of, styles_of_latents
from nada.interpolation.paths import Place, lerp, slerp
from nada.models import Generator, latents_from_seeds

NoiseMaps = dict[str, Tensor]


@dataclass(frozen=True)
class Look:
    """How latents become styles, as of `Generator.map_latents`."""

    truncation: float = 1.0
    centre: str = "global"


class Keys(Protocol):
    """Key frames, and what lies between them."""

    names: tuple[str, ...]

    def styles(self, places: Sequence[Place]) -> Tensor:
        """Styles `(len(places), num_ws, w_dim)`."""

    def noise(self, places: Sequence[Place]) -> NoiseMaps | None:
        """Noise maps `(len(places), 1, h, h)` by convolution; None for the stored ones."""


class StyleKeys:
    """Straight lines between styles `w (K, num_ws, w_dim)`: Karras et al. 2018, arXiv:1812.04948, section 4.

    With noise maps `(K, 1, h, h)`, as inversions have them, arcs between these: the mean of two maps has less grain
    than either.
    """

    def __init__(self, w: Tensor, names: Sequence[str], noise: NoiseMaps | None = None) -> None:
        self.names, self._w, self._noise = tuple(names), w, noise

    def styles(self, places: Sequence[Place]) -> Tensor:
        """Styles `(len(places), num_ws, w_dim)`."""
        return torch.stack([lerp(self._w[place.start], self._w[place.end], place.share) for place in places])

    def noise(self, places: Sequence[Place]) -> NoiseMaps | None:
        """Noise maps `(len(places), 1, h, h)` by convolution; None for the stored ones."""
        if self._noise is None:
            return None
        return {
            name: torch.stack([slerp(maps[place.start], maps[place.end], place.share) for place in places])
            for name, maps in self._noise.items()
        }


class LatentKeys:
    """Arcs between latents `z (K, z_dim)`, mapped at every frame; conditions `(K, condition_dim)` are mixed on the way."""

    def __init__(
        self, generator: Generator, z: Tensor, conditions: Tensor | None, names: Sequence[str], look: Look = Look()
    ) -> None:
        self.names = tuple(names)
        self._generator, self._z, self._conditions, self._look = generator, z, conditions, look
        # Texts are points on a sphere, classes corners between which shares add up to 1.
        self._between = slerp if generator.config.text_dim else lerp

    def styles(self, places: Sequence[Place]) -> Tensor:
        """Styles `(len(places), num_ws, w_dim)`."""
        z = torch.stack([slerp(self._z[place.start], self._z[place.end], place.share) for place in places])
        rows = self._conditions
        if rows is not None:
            rows = torch.stack([self._between(rows[place.start], rows[place.end], place.share) for place in places])
        return styles_of_latents(self._generator, z, rows, self._look.truncation, None, self._look.centre)

    def noise(self, places: Sequence[Place]) -> NoiseMaps | None:
        """None: latents have the stored noise."""
        return None


def keys_of_seeds(
    generator: Generator, seeds: Sequence[int], conditions: Tensor | None, names: Sequence[str], space: str, look: Look
) -> Keys:
    """Return key frames of seeds: in "w" their styles, in "z" their latents. `conditions` are rows, one for each."""
    if space == "z":
        return LatentKeys(generator, latents_from_seeds(seeds, generator.config.z_dim), conditions, names, look)
    return StyleKeys(styles_of(generator, seeds, conditions, look.truncation, None, look.centre), names)
