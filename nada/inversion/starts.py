"""Where an optimisation starts: the nearest of many random pictures, by what they look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nada.inversion.perception import Perception
from nada.inversion.settings import Settings
from nada.models import Generator

_MOST_AT_ONCE = 32
_PIXELS = 2048  # pictures times side


class Starts(NamedTuple):
    """Starts of N pictures, `count` of each, best first.

    Attributes:
        w: `(N, count, w_dim)`.
        labels: `(N, count)`, the number of each one's condition; None for an unconditional generator.
        distances: `(N, count)`.
    """

    w: Tensor
    labels: Tensor | None
    distances: Tensor

    def some(self, rows: list[int]) -> Starts:
        """The starts of some pictures."""
        return Starts(self.w[rows], None if self.labels is None else self.labels[rows], self.distances[rows])


def join_starts(parts: Sequence[Starts]) -> Starts:
    """The starts of several pictures, or groups of them, as of one."""
    labels = [part.labels for part in parts if part.labels is not None]
    w, distances = (torch.cat([getattr(part, name) for part in parts]) for name in ("w", "distances"))
    return Starts(w, torch.cat(labels) if labels else None, distances)


@torch.no_grad()
def find_starts(
    generator: Generator,
    pictures: Tensor,
    perception: Perception,
    settings: Settings,
    labels: Tensor | None,
    on_samples: Callable[[int], None] | None = None,
) -> Starts:
    """Return the best starts for `pictures (N, 3, H, W)` among random ones.

    Of an unknown condition all are tried in turn, and the starts of a picture are of different ones, as far as there
    are any.

    Args:
        labels: the conditions `(N,)` that are known; None where they are to be found, or there are none.
        on_samples: told how many more have been looked at.
    """
    z, conditions = _candidates(generator, settings, labels)
    rows = rows_at_once(generator)
    wanted = torch.cat([perception.vectors(part) for part in pictures.split(rows)])
    styles, distances = [], []
    for start in range(0, len(z), rows):
        part = None if conditions is None else conditions[start : start + rows]
        w = generator.map_latents(z[start : start + rows], part)
        made = as_colour(generator.synthesize(w))
        seen = perception.vectors(made)
        found = [
            (seen - vector).square().sum(dim=1) + settings.pixels * (made - picture).square().mean(dim=(1, 2, 3))
            for vector, picture in zip(wanted, pictures)
        ]
        styles.append(w[:, 0])
        distances.append(torch.stack(found))
        if on_samples is not None:
            on_samples(len(w))
    return _best(torch.cat(styles), torch.cat(distances, dim=1), conditions, labels, settings.starts)


def rows_at_once(generator: Generator) -> int:
    """How many pictures are computed at a time: 32 up to 64 px, fewer beyond."""
    return max(1, min(_MOST_AT_ONCE, _PIXELS // generator.config.resolution))


def as_colour(pictures: Tensor) -> Tensor:
    """Pictures `(N, 1 or 3, H, W)` with three channels."""
    return pictures.expand(-1, 3, -1, -1)


def _candidates(generator: Generator, settings: Settings, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Latents `(S, z_dim)` and the condition of each: all in turn, or the same latents for every one that is given.

    So the candidates of a picture do not depend on the conditions of others.
    """
    device = generator.b4.const.device
    rng = torch.Generator().manual_seed(settings.seed)
    z = torch.randn(settings.samples, generator.config.z_dim, generator=rng).to(device)
    count = generator.config.num_conditions
    if not count:
        return z, None
    if labels is None:
        return z, torch.arange(len(z), device=device) % count
    given = labels.unique()
    return z.repeat(len(given), 1), given.repeat_interleave(len(z))


def _best(w: Tensor, distances: Tensor, conditions: Tensor | None, labels: Tensor | None, count: int) -> Starts:
    """Choose `count` rows of `w (S, w_dim)` for each row of `distances (N, S)`."""
    wanted = [None] * len(distances) if labels is None else labels
    chosen = torch.stack([_ranked(row, conditions, label)[:count] for row, label in zip(distances, wanted)])
    found = None if conditions is None else conditions[chosen]
    return Starts(w[chosen], found, distances.gather(1, chosen))


def _ranked(distances: Tensor, conditions: Tensor | None, label: Tensor | None) -> Tensor:
    """All samples, best first; of an unknown condition first the best one of each."""
    if label is not None and conditions is not None:
        distances = distances.masked_fill(conditions != label, torch.inf)
    order = distances.argsort(stable=True)
    if conditions is None or label is not None:
        return order
    seen: set[int] = set()
    firsts, rest = [], []
    for index in order.tolist():
        number = int(conditions[index])
        (rest if number in seen else firsts).append(index)
        seen.add(number)
    return torch.tensor(firsts + rest, device=distances.device)
