"""Walks as sequences of frames, each computed when it is asked for."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from nada.domains import Blender
from nada.errors import UsageError
from nada.generation import pictures_of
from nada.generation.blocks import block_rows
from nada.images import to_uint8
from nada.interpolation.keys import Keys, NoiseMaps
from nada.interpolation.paths import Place, lerp
from nada.models import Compute, Generator

Latents = Callable[[Generator], Tensor]


class Walk(Sequence[np.ndarray]):
    """Frames uint8 `(tiles, H, W, 3)`, all of one size. Frame i is the same bytes however it is come by."""

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = list(places)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> np.ndarray:  # type: ignore[override]
        return next(self.frames([range(len(self))[index]]))

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.frames(range(len(self)))

    @abstractmethod
    def frames(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """Compute the frames of these numbers, as many at a time as are good for the machine."""

    @abstractmethod
    def captions(self, index: int) -> list[str]:
        """Say for every tile of a frame what it shows."""

    def status(self, index: int) -> str:
        """Say what holds for all tiles of a frame; empty where there is nothing to say."""
        return ""


class LatentWalk(Walk):
    """One generator, and one walk through key frames for every tile.

    Raises UsageError unless there are walks, all with the same number of key frames.
    """

    def __init__(
        self, generator: Generator, tracks: Sequence[Keys], places: Sequence[Place], compute: Compute = Compute()
    ) -> None:
        super().__init__(places)
        if len({len(keys.names) for keys in tracks}) != 1:
            raise UsageError("Walks side by side need the same number of key frames, one at least.")
        self._generator, self._tracks, self._compute = generator, list(tracks), compute

    @torch.no_grad()
    def frames(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """Compute frames, several at a time where they are small."""
        tiles = len(self._tracks)
        at_once = max(1, block_rows(self._generator) // tiles)
        for start in range(0, len(indices), at_once):
            places = [self.places[index] for index in indices[start : start + at_once]]
            with self._generator.computing(self._compute):
                pictures = self._pictures(places)
            yield from pictures.reshape(len(places), tiles, *pictures.shape[1:])

    def _pictures(self, places: Sequence[Place]) -> np.ndarray:
        styles = torch.stack([keys.styles(places) for keys in self._tracks], dim=1).flatten(0, 1)
        each = [maps for keys in self._tracks if (maps := keys.noise(places)) is not None]
        if not each:
            return pictures_of(self._generator, styles)
        noise = {name: torch.stack([maps[name] for maps in each], dim=1).flatten(0, 1) for name in each[0]}
        return _one_by_one(self._generator, styles, noise)

    def captions(self, index: int) -> list[str]:
        """Between which key frames every tile is."""
        return [between(keys.names, self.places[index]) for keys in self._tracks]


def between(names: Sequence[str], place: Place) -> str:
    """Say between which key frames a place is."""
    start, end = names[place.start], names[place.end]
    if place.share in (0, 1) or start == end:
        return end if place.share == 1 else start
    return f"{start} to {end}"


class DomainWalk(Walk):
    """The same latents while the generator changes, from one blend of domains to the next.

    Args:
        blender: the base with the domains.
        stops: weights of the domains at every key frame.
        latents: gives the styles `(tiles, num_ws, w_dim)` on a generator: an adaptation may have moved the mapping.
        captions: for every tile.
        noise: maps `(tiles, 1, h, h)`; None for the stored ones.
        told: of how many domains, the first ones, the status speaks; of all if None.

    Raises the errors of `Blender.at`.
    """

    def __init__(
        self,
        blender: Blender,
        stops: Sequence[Sequence[float]],
        latents: Latents,
        captions: Sequence[str],
        places: Sequence[Place],
        compute: Compute = Compute(),
        noise: NoiseMaps | None = None,
        told: int | None = None,
    ) -> None:
        super().__init__(places)
        self._told = blender.domains[:told]
        self._blender, self._latents, self._captions, self._noise = blender, latents, list(captions), noise
        self._stops = torch.tensor([list(stop) for stop in stops], dtype=torch.float64)
        self._generator = copy.deepcopy(blender.base)
        self._compute = compute

    def weights(self, index: int) -> list[float]:
        """The weights of the domains in a frame."""
        place = self.places[index]
        return lerp(self._stops[place.start], self._stops[place.end], place.share).tolist()

    def prepare(self, index: int) -> None:
        """Move the generator to where a frame is."""
        self._blender.put(self._generator, self.weights(index))

    @torch.no_grad()
    def frames(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """Compute frames, each with a generator of its own."""
        for index in indices:
            self.prepare(index)
            with self._generator.computing(self._compute):
                yield _few(self._generator, self._latents(self._generator), self._noise)

    def captions(self, index: int) -> list[str]:
        """What every tile shows, the same in all frames."""
        return list(self._captions)

    def status(self, index: int) -> str:
        """How much of each domain there is in a frame."""
        weights = zip(self._told, self.weights(index))
        return ", ".join(f"{domain.name} {weight:.2f}" for domain, weight in weights if round(weight, 2)) or "source"


class StillWalk(Walk):
    """One frame of another walk, again and again: what stays as it was beside what changes."""

    def __init__(self, walk: Walk, index: int) -> None:
        super().__init__(walk.places)
        self._frame, self._captions = walk[index], walk.captions(index)

    def frames(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """Give the frame as often as it is asked for."""
        return (self._frame for _ in indices)

    def captions(self, index: int) -> list[str]:
        """What every tile shows."""
        return self._captions


def _few(generator: Generator, styles: Tensor, noise: NoiseMaps | None) -> np.ndarray:
    """Pictures of as many tiles as there are, which are the same number in every frame."""
    if noise is not None:
        return _one_by_one(generator, styles, noise)
    rows = block_rows(generator)
    return np.concatenate([to_uint8(generator.synthesize(part)) for part in styles.split(rows)])


def _one_by_one(generator: Generator, styles: Tensor, noise: NoiseMaps) -> np.ndarray:
    """Pictures with noise maps of their own, made as an inversion makes them."""
    rows = range(len(styles))
    return np.concatenate(
        [
            to_uint8(
                generator.synthesize(styles[row : row + 1], {name: maps[row : row + 1] for name, maps in noise.items()})
            )
            for row in rows
        ]
    )
