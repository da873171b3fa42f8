"""Walks of photographs for each of which the generator itself was tuned (`nada invert --tune`).

Styles and weights go from one photograph to the next together, so that each is met just as its tuned generator shows it
(Roich et al. 2021, "Pivotal Tuning", arXiv:2106.05744; weights on a line as in Wang et al. 2019, arXiv:1811.10515).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from nada.checkpoints.native import ADAPTATION
from nada.domains import Blender, Domain, read_domain
from nada.interpolation.keys import Keys
from nada.interpolation.paths import Place
from nada.interpolation.walks import DomainWalk, Walk, between
from nada.inversion.result import FILE
from nada.models import Compute

Stops = list[list[float]]


def tunings_of(paths: Sequence[str], domains: Sequence[str]) -> dict[str, Domain]:
    """Return the tuned generators of those among `paths` that are inversions with one, by their paths.

    Args:
        domains: specs of adaptations that the walk goes through anyway; where a tuned generator is among them, it is that
            one in which all photographs are to be seen, and there is no other.

    Raises NadaError if one is damaged.
    """
    if any(map(_tuned_folder, domains)):
        return {}
    return {path: read_domain(folder / ADAPTATION) for path in paths if (folder := _tuned_folder(path))}


def _tuned_folder(path: str) -> Path | None:
    """The folder in which `nada invert` kept a photograph and a generator tuned for it; None if there is no such."""
    folder = Path(path).parent if Path(path).suffix == ".safetensors" else Path(path)
    return folder if all((folder / name).is_file() for name in (FILE, ADAPTATION)) else None


class TunedWalk(DomainWalk):
    """From key frame to key frame, with a blend of domains at each of them.

    Args:
        keys: styles and noise of the one tile there is.
        stops: weights of the blender's domains at each key frame.
    """

    def __init__(
        self, blender: Blender, stops: Stops, keys: Keys, places: Sequence[Place], compute: Compute = Compute()
    ) -> None:
        super().__init__(blender, stops, lambda generator: keys.styles([self._place]), [""], places, compute)
        self._keys, self._place = keys, self.places[0]

    def prepare(self, index: int) -> None:
        """Move generator, styles and noise to where a frame is."""
        super().prepare(index)
        self._place = self.places[index]
        self._noise = self._keys.noise([self._place])

    def captions(self, index: int) -> list[str]:
        """Between which photographs the frame is."""
        return [between(self._keys.names, self.places[index])]

    def status(self, index: int) -> str:
        """Nothing: the captions say it."""
        return ""


class Beside(Walk):
    """Walks of equally many frames as one, their tiles beside one another; told is the status of the first."""

    def __init__(self, walks: Sequence[Walk]) -> None:
        super().__init__(walks[0].places)
        self._walks = list(walks)

    def frames(self, indices: Sequence[int]) -> Iterator[np.ndarray]:
        """Compute frames, one after the other."""
        return map(np.concatenate, zip(*(walk.frames(indices) for walk in self._walks), strict=True))

    def captions(self, index: int) -> list[str]:
        """What every tile shows."""
        return [caption for walk in self._walks for caption in walk.captions(index)]

    def status(self, index: int) -> str:
        """Say what holds for all tiles of a frame."""
        return self._walks[0].status(index)
