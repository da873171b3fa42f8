"""Pictures from Python: what `nada generate` does, without files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from nada.domains import Pair
from nada.errors import UsageError
from nada.generation.conditions import Chosen, as_names
from nada.generation.finding import Found, Search, check_looked_at
from nada.generation.keeping import Picture
from nada.generation.layers import parse_layers
from nada.generation.mixing import MixTable, check_table, paint_table
from nada.generation.painter import Painter, load_painter
from nada.generation.recipe import CENTRES, NOISES, Recipe
from nada.generation.seeds import LARGEST, Seeds, parse_seeds
from nada.models import Generator

Model = str | Generator | Pair | Painter
SeedList = str | Sequence[int]


def make_painter(model: Model, classes: Chosen = (), device: str | torch.device = "cpu", precision: str = "fp32") -> Painter:
    """Return what paints pictures of `model`, and keeps what it needs for that: give it to the functions below for many calls.

    Args:
        model: a spec of a generator, run or adaptation; a generator; a pair of `nada.domains.load_pair`.
        classes: a name, number or text, or a list of them; several go in turn by the seed, and so do all if none is given.
        device: for a spec; other models stay where they are.
        precision: of the feature maps: "fp32", "bf16", "fp16" or "auto".

    Raises UsageError and NadaError for what cannot be had.
    """
    if isinstance(model, Painter):
        if as_names(classes) or precision != model.precision:
            raise UsageError("A painter has its classes and its precision already; give them to make_painter.")
        return model
    if isinstance(model, Generator):
        model = Pair(model, model, "(a generator in memory)", None)
    if isinstance(model, Pair):
        return Painter(model, classes, precision)
    return load_painter(model, classes, device, precision)


def generate(
    model: Model = "demo",
    seeds: SeedList = range(16),
    *,
    classes: Chosen = (),
    strength: float | None = None,
    truncation: float = 1.0,
    truncation_cutoff: int | None = None,
    truncation_centre: str = "global",
    noise: str = "const",
    batch: int = 16,
    device: str | torch.device = "cpu",
    precision: str = "fp32",
) -> Iterator[Picture]:
    """Make a picture for each seed, one after the other: a million need no more memory than a batch.

    The same seed gives the same bytes, whatever the batch and whatever other seeds are made with it.

    >>> for picture in generate("demo", "0-2", classes=["apple"]):
    ...     print(picture.name, picture.pixels.shape, picture.recipe.condition)
    seed0000.png (64, 64, 3) apple
    seed0001.png (64, 64, 3) apple
    seed0002.png (64, 64, 3) apple

    Args:
        model, classes, device, precision: as of `make_painter`.
        seeds: whole numbers, or text such as "0-99,200".
        strength: of an adaptation: 0 for the source's weights, 1 (if not given) for the adapted ones.
        truncation, truncation_cutoff, truncation_centre: as of `Generator.map_latents`.
        noise: "const" for the stored maps, "random" for the seed's own, "none" for none.

    Raises UsageError and NadaError, before the first picture.
    """
    painter = make_painter(model, classes, device, precision)
    if batch < 1:
        raise UsageError(f"batch is 1 or more, not {batch}.")
    look = _look(painter, strength, truncation, truncation_cutoff, truncation_centre, noise)
    size = -(-batch // painter.rows) * painter.rows
    return _stream(painter, look, _seeds(seeds), size)


def _stream(painter: Painter, look: Recipe, seeds: Sequence[int], size: int) -> Iterator[Picture]:
    for start in range(0, len(seeds), size):
        recipes = _recipes(painter, look, seeds[start : start + size])
        yield from map(Picture, painter.paint(recipes), recipes)


def mix_styles(
    model: Model = "demo",
    rows: SeedList = (0, 1, 2),
    columns: SeedList = (3, 4, 5),
    layers: str = "coarse",
    *,
    classes: Chosen = (),
    strength: float | None = None,
    truncation: float = 1.0,
    device: str | torch.device = "cpu",
) -> MixTable:
    """Make a table of mixed styles: each row's picture, but with `layers` of each column's styles.

    >>> table = mix_styles("demo", [0, 1], [4, 8, 12], layers="fine")
    >>> table.pictures.shape, table.rows.shape, table.columns.shape
    ((2, 3, 64, 64, 3), (2, 64, 64, 3), (3, 64, 64, 3))

    Args:
        layers: "coarse", "middle", "fine", or numbers such as "0-6".
        model, classes, strength, truncation, device: as of `generate`.

    Raises UsageError and NadaError.
    """
    painter = make_painter(model, classes, device)
    look = _look(painter, strength, truncation)
    chosen = parse_layers(layers, painter.generator.num_ws)
    seeds = [_seeds(margin) for margin in (rows, columns)]
    check_table(*seeds)
    return paint_table(painter, *(_recipes(painter, look, margin) for margin in seeds), chosen)


def search(
    model: Model = "demo",
    prompt: str = "red apple",
    *,
    of: int = 200,
    best: int = 5,
    source: str | None = None,
    optimise: int = 0,
    clip: str = "demo",
    judge: str = "auto",
    seeds: SeedList | None = None,
    classes: Chosen = (),
    strength: float | None = None,
    truncation: float = 1.0,
    device: str | torch.device = "cpu",
) -> list[Found]:
    """Return the pictures that a guide likes best for a prompt, the best first.

    >>> found = search("demo", "lemon", of=32, best=2)
    >>> [one.picture.recipe.condition for one in found]
    ['lemon', 'lemon']

    Args:
        of: look at the seeds 0 to `of` - 1; or at those of `seeds`.
        source: score by the direction from this text to the prompt, see `nada.generation.scoring.Scorer`.
        optimise: how many steps to move each of the best towards the prompt in W; what it was before is its `start`.
        clip: spec of the guide. `judge`: spec of one that only looks, "none", or "auto" for the bundled one beside `demo`.
        model, classes, strength, truncation, device: as of `generate`.

    Raises UsageError and NadaError. Warns of words that the guide does not know.
    """
    painter = make_painter(model, classes, device)
    look = _look(painter, strength, truncation)
    if min(of, best) < 1 or optimise < 0:
        raise UsageError(f"best and of are 1 or more and optimise 0 or more, not {best}, {of} and {optimise}.")
    chosen = range(of) if seeds is None else _seeds(seeds)
    check_looked_at(len(chosen))
    hunt = Search(painter, prompt, source, clip, judge)
    found = hunt.find(_recipes(painter, look, chosen), best)
    return [hunt.refine(one, optimise) for one in found] if optimise else found


def _seeds(seeds: SeedList) -> Sequence[int]:
    chosen = parse_seeds(seeds, "seeds") if isinstance(seeds, str) else seeds
    if not isinstance(chosen, (Seeds, range)):
        wrong = [seed for seed in chosen if not 0 <= seed <= LARGEST]
        if wrong:
            raise UsageError(f"seeds are whole numbers from 0 to {LARGEST}, not {wrong[0]}.")
    elif len(chosen) and not 0 <= min(chosen[0], chosen[-1]) <= max(chosen[0], chosen[-1]) <= LARGEST:
        raise UsageError(f"seeds are whole numbers from 0 to {LARGEST}, not {chosen[0]} to {chosen[-1]}.")
    return chosen


def _recipes(painter: Painter, look: Recipe, seeds: Sequence[int]) -> list[Recipe]:
    return [dataclasses.replace(look, seed=int(seed), condition=painter.conditions.of(int(seed))) for seed in seeds]


def _look(
    painter: Painter,
    strength: float | None,
    truncation: float,
    cutoff: int | None = None,
    centre: str = "global",
    noise: str = "const",
) -> Recipe:
    """The recipe that all pictures share. Raises UsageError for what cannot be."""
    known: list[tuple[str, Any, tuple[str, ...]]] = [("truncation_centre", centre, CENTRES), ("noise", noise, NOISES)]
    for name, value, choices in known:
        if value not in choices:
            raise UsageError(f"{name} is one of {', '.join(choices)}, not {value!r}.")
    return Recipe(
        model=painter.spec,
        sha256=painter.sha256,
        seed=0,
        strength=painter.check_strength(strength),
        truncation=float(truncation),
        truncation_cutoff=cutoff,
        truncation_centre=centre,
        noise=noise,
        precision=painter.precision,
    )
