"""`invert`: pictures into the styles of a generator, in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nada.errors import NadaError, UsageError
from nada.inversion.optimising import Found, Optimisation, StepReport
from nada.inversion.perception import Perception, load_perception
from nada.inversion.result import Inversion
from nada.inversion.settings import Settings
from nada.inversion.starts import Starts, as_colour, find_starts
from nada.inversion.styles import Styles
from nada.models import Compute, Generator, KeptWeights


def invert(
    generator: Generator,
    pictures: Tensor,
    *,
    classes: Sequence[int] | int | None = None,
    perception: str | Perception = "demo",
    on_step: Callable[[StepReport], None] | None = None,
    dtype: torch.dtype = torch.float32,
    **settings: object,
) -> Inversion:
    """Find styles, and noise maps, whose pictures look like `pictures (N, 3, H, W)` in [-1, 1].

    All are optimised at once, on the generator's device. The same call gives the same bytes on a CPU.

    Args:
        classes: the number of each picture's class or known prompt, or one for all; None to find it by trying all.
        perception: a guide such as "demo", `lpips-vgg=FILE`, or a `Perception`.
        on_step: called after every step.
        dtype: of the feature maps of the generator.
        settings: fields of `Settings`, such as `space="w"`, `steps=400`, `seed=0`.

    Raises:
        UsageError: for an unknown setting, a value that makes no sense, or pictures of another size.
        NadaError: if the loss stops being a number.
    """
    chosen = _settings(settings)
    device = generator.b4.const.device
    pictures = _checked(generator, pictures).to(device)
    labels = _labels(generator, classes, len(pictures))
    looking = load_perception(perception, device)
    compute = Compute(dtype, channels_last=True, kept=KeptWeights())
    generator.requires_grad_(False)
    with generator.computing(compute):
        starts = find_starts(generator, pictures, looking, chosen, labels)
        tried = None if starts.labels is None else starts.labels.unique()
        optimisation = Optimisation(generator, pictures, looking, chosen, starts, Styles(generator, tried))
        found = optimisation.run(on_step)
        return _result(generator, chosen, starts, found)


@torch.no_grad()
def _result(generator: Generator, settings: Settings, starts: Starts, found: list[Found]) -> Inversion:
    w = torch.stack([one.w for one in found])
    maps = [one.noise for one in found if one.noise is not None]
    noise = {name: torch.stack([single[name] for single in maps]) for name in maps[0]} if maps else None
    made = torch.cat([
        generator.synthesize(w[row : row + 1], "const" if noise is None else {k: v[row : row + 1] for k, v in noise.items()})
        for row in range(len(w))
    ])
    classes = None
    if starts.labels is not None:
        classes = tuple(int(starts.labels[row, one.start]) for row, one in enumerate(found))
    return Inversion(w, noise, as_colour(made), [one.losses for one in found], classes, settings.space)


def _settings(values: dict[str, object]) -> Settings:
    known = {field.name for field in dataclasses.fields(Settings)}
    if unknown := sorted(set(values) - known):
        raise UsageError(f"Unknown setting {unknown[0]!r}; there are {', '.join(sorted(known))}.")
    return Settings(**values)


def _checked(generator: Generator, pictures: Tensor) -> Tensor:
    side = generator.config.resolution
    if pictures.ndim != 4 or tuple(pictures.shape[1:]) != (3, side, side) or not len(pictures):
        raise UsageError(f"An inversion needs pictures (N, 3, {side}, {side}), not {tuple(pictures.shape)}.")
    if not bool(torch.isfinite(pictures).all()):
        raise NadaError("The pictures to invert hold NaN or infinity.")
    return pictures.float()


def _labels(generator: Generator, classes: Sequence[int] | int | None, count: int) -> Tensor | None:
    if classes is None:
        return None
    numbers = [classes] * count if isinstance(classes, int) else list(classes)
    return generator.labels_of(range(count), numbers).to(generator.b4.const.device)
