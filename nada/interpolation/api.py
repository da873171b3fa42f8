"""`interpolate`: walks of a generator in memory, as sequences of frames."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nada.domains import Blender, Domain
from nada.errors import UsageError
from nada.generation import styles_of
from nada.generation.conditions import Chosen, Conditions, as_names
from nada.interpolation.keys import Keys, Look, StyleKeys, keys_of_seeds
from nada.interpolation.paths import MOST, places_of
from nada.interpolation.sheets import Sheets
from nada.interpolation.walks import DomainWalk, LatentWalk
from nada.models import Generator

SPACES = ("w", "z")


def interpolate(
    generator: Generator,
    seeds: Sequence[int] | None = None,
    *,
    styles: Tensor | None = None,
    frames: int = 120,
    space: str = "w",
    loop: bool = False,
    easing: str = "linear",
    classes: Chosen = (),
    truncation: float = 1.0,
    truncation_centre: str = "global",
    columns: int = 1,
    size: int | None = None,
    upscale: str = "lanczos",
) -> Sheets:
    """Return the frames of a walk through key frames: a sequence of uint8 `(H, W, 3)`, computed when they are asked for.

    >>> import nada
    >>> frames = interpolate(nada.load_generator("demo"), [1, 2, 3], frames=30, loop=True, classes=["apple"])
    >>> len(frames), frames[29].shape
    (30, (64, 64, 3))

    Args:
        seeds: the key frames; with `columns`, dealt out to so many walks, the first ones to the first.
        styles: key frames as styles `(K, num_ws, w_dim)` instead, such as `invert(...).w`.
        frames: of the whole walk.
        space: "w" for straight lines between styles, "z" for arcs between latents; conditions are then mixed, too.
        loop: go on from the last key frame to the first, so that the film can be played over and over.
        easing: "linear", or "smooth" to slow down at the key frames.
        classes: of the key frames in turn, by name or number; by their seeds among all there are if empty. More classes
            than seeds walk on through the seeds again, so that one seed with two classes is a walk, too.
        truncation: psi, with `truncation_centre` as of `Generator.map_latents`.
        columns: walks side by side.
        size: side of a tile in pixels, by the filter `upscale`, "lanczos" or "nearest".

    Raises:
        UsageError: for arguments that make no sense, or not together.
    """
    if (seeds is None) == (styles is None):
        raise UsageError("A walk goes through seeds or through styles: give one of them.")
    if styles is not None:
        tracks: list[Keys] = [StyleKeys(styles.to(generator.b4.const.device), [str(key) for key in range(len(styles))])]
    else:
        tracks = seed_tracks(generator, few_seeds(seeds or ()), classes, space, Look(truncation, truncation_centre), columns)
    places = places_of(len(tracks[0].names), frames, loop, easing)
    return Sheets([("", LatentWalk(generator, tracks, places))], columns, size, upscale)


def interpolate_domains(
    base: Generator,
    stops: Sequence[Sequence[tuple[Domain, float]]],
    seeds: Sequence[int],
    *,
    frames: int = 120,
    loop: bool = False,
    easing: str = "linear",
    classes: Chosen = (),
    truncation: float = 1.0,
    truncation_centre: str = "global",
    columns: int | None = None,
    size: int | None = None,
    upscale: str = "lanczos",
    force: bool = False,
) -> Sheets:
    """Return the frames of a walk from blend to blend of domains, with the same latents all the way.

        logo, sketch = read_domain("runs/00000-logo"), read_domain("runs/00001-sketch")
        stops = [[], [(logo, 1.0)], [(sketch, 1.0)]]      # from the base to a logo, and on to a sketch
        frames = interpolate_domains(nada.load_generator("demo"), stops, seeds=range(8))

    Args:
        stops: the key frames: domains with their weights, as of `nada.domains.blend`; nothing for the base itself.
        seeds: a tile for each.
        columns: tiles beside one another; as many as make a square if None.
        force: also take domains of siblings of `base`.

    Other arguments and errors are those of `interpolate` and `blend`.
    """
    domains = list({id(domain): domain for stop in stops for domain, _ in stop}.values())
    weights = [[sum(weight for own, weight in stop if own is domain) for domain in domains] for stop in stops]
    seeds = few_seeds(seeds)
    names, conditions = named_conditions(base, seeds, classes)
    look = Look(truncation, truncation_centre)

    def latents(generator: Generator) -> Tensor:
        return styles_of(generator, seeds, conditions, look.truncation, None, look.centre)

    places = places_of(len(stops), frames, loop, easing)
    walk = DomainWalk(Blender(base, domains, force), weights, latents, names, places)
    return Sheets([("", walk)], columns or square(len(seeds)), size, upscale)


def few_seeds(seeds: Sequence[int]) -> list[int]:
    """Return seeds of key frames or tiles as a list. Raises UsageError for more than a film has frames."""
    if len(seeds) > MOST:
        raise UsageError(f"A film has {MOST} key frames or tiles at most, and these are {len(seeds)} seeds.")
    return list(seeds)


def square(tiles: int) -> int:
    """Return how many columns make tiles about a square."""
    return max(1, math.ceil(math.sqrt(tiles)))


def named_conditions(generator: Generator, seeds: Sequence[int], classes: Chosen) -> tuple[list[str], Tensor | None]:
    """Return for every seed what to call it and its condition: those of `classes` in turn, or by the seed among all.

    Raises UsageError for classes that the generator does not have.
    """
    known = Conditions(generator, classes)
    if as_names(classes):
        chosen: list[str | None] = [known.names[index % len(known.names)] for index in range(len(seeds))]
    else:
        chosen = [known.of(seed) for seed in seeds]
    names = [f"seed {seed}" if name is None else f"{name} {seed}" for seed, name in zip(seeds, chosen, strict=True)]
    return names, known.rows(chosen)


def seed_tracks(
    generator: Generator, seeds: Sequence[int], classes: Chosen, space: str, look: Look, columns: int = 1
) -> list[Keys]:
    """Return key frames for each of `columns` walks, to which the seeds are dealt out in equal parts."""
    if space not in SPACES:
        raise UsageError(f"--space is {' or '.join(SPACES)}, not {space!r}.")
    if columns < 1 or not seeds or len(seeds) % columns:
        raise UsageError(f"{len(seeds)} seeds cannot be dealt out to {columns} walks of the same length.")
    length = len(seeds) // columns
    tracks: list[Keys] = []
    for start in range(0, len(seeds), length):
        keys = np.resize(seeds[start : start + length], max(length, len(classes))).tolist()
        names, conditions = named_conditions(generator, keys, classes)
        rows = None if conditions is None else conditions.to(torch.float32)
        tracks.append(keys_of_seeds(generator, keys, rows, names, space, look))
    return tracks
