"""Where a walk is at each frame, and what lies between two points."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nada.errors import NadaError, UsageError

FEWEST, MOST = 2, 10_000
EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda share: share,
    "smooth": lambda share: share * share * (3 - 2 * share),
}
_PARALLEL = 1e-6  # of an angle; nearer than this, a line and an arc are the same


class Place(NamedTuple):
    """Between two key frames: their numbers, and how much of the way lies behind, 0 to 1."""

    start: int
    end: int
    share: float


def places_of(keys: int, frames: int, loop: bool = False, easing: str = "linear") -> list[Place]:
    """Return where each of `frames` is on a way through `keys` key frames, with the same time from each to the next.

    An open way begins at the first key and ends at the last one. A loop goes on to the first again; its last frame is
    one step before that, so that played over and over no frame is seen twice.

    >>> [place.share for place in places_of(2, 5)]
    [0.0, 0.25, 0.5, 0.75, 1.0]
    >>> [(place.start, place.end, place.share) for place in places_of(2, 4, loop=True)]
    [(0, 1, 0.0), (0, 1, 0.5), (1, 0, 0.0), (1, 0, 0.5)]

    Args:
        easing: "linear" moves evenly, "smooth" slows down at every key.

    Raises:
        UsageError: for fewer than 2 key frames, fewer frames than those, more than 10,000, or an unknown easing.
    """
    if easing not in EASINGS:
        raise UsageError(f"Between key frames the way is {' or '.join(EASINGS)}, not {easing!r}.")
    if keys < 2:
        raise UsageError("A walk needs two key frames or more, such as --seeds 1,2,3.")
    if not max(FEWEST, keys) <= frames <= MOST:
        raise UsageError(f"A walk of {keys} key frames has {max(FEWEST, keys)} to {MOST} frames, not {frames}.")
    segments, steps = (keys, frames) if loop else (keys - 1, frames - 1)
    return [_place(*divmod(frame * segments, steps), steps, keys, loop, easing) for frame in range(frames)]


def _place(segment: int, rest: int, steps: int, keys: int, loop: bool, easing: str) -> Place:
    """Whole numbers until the last moment: a key frame is hit exactly."""
    if not loop and segment == keys - 1:
        return Place(keys - 2, keys - 1, 1.0)
    return Place(segment, (segment + 1) % keys, EASINGS[easing](rest / steps))


def lerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """Return the point at `share` of the straight line between two tensors of one shape; both ends to the bit."""
    if share in (0, 1):
        return end if share else start
    return start + share * (end - start)


def slerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """Return the point at `share` of the arc between two tensors of one shape, taken as one vector each.

    The angle grows evenly (Shoemake 1985, "Animating rotation with quaternion curves"), and so does the length. Normal
    latents of many dimensions lie close to a sphere, which a straight line leaves (White 2016, arXiv:1609.04468).
    Both ends come back to the bit.

    Raises NadaError for two that are opposite, between which no arc is shorter than others.
    """
    if share in (0, 1):
        return end if share else start
    one, two = start.double(), end.double()
    lengths = one.norm(), two.norm()
    if min(lengths) == 0:
        return lerp(start, end, share)
    one, two = one / lengths[0], two / lengths[1]
    angle = 2 * torch.atan2((one - two).norm(), (one + two).norm())  # exact where acos is not, near 0
    if torch.pi - angle < _PARALLEL:
        raise NadaError("There is no shortest arc between two opposite latents; put another key frame between them.")
    if angle < _PARALLEL:
        return lerp(start, end, share)
    direction = (torch.sin((1 - share) * angle) * one + torch.sin(share * angle) * two) / torch.sin(angle)
    return (direction * lerp(lengths[0], lengths[1], share)).to(start.dtype)
