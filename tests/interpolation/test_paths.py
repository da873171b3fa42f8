"""Where a walk is, and what lies between two points."""

from __future__ import annotations

import math

import pytest
import torch

from nada.errors import NadaError, UsageError
from nada.interpolation.paths import EASINGS, Place, lerp, places_of, slerp


def position(place: Place, keys: int) -> float:
    return place.start + place.share if place.end == (place.start + 1) % keys else math.nan


@pytest.mark.parametrize(("keys", "frames"), [(2, 2), (2, 120), (3, 7), (5, 500), (4, 120), (7, 10000)])
def test_an_open_way_goes_evenly_from_the_first_key_to_the_last(keys: int, frames: int) -> None:
    places = places_of(keys, frames)
    assert len(places) == frames and places[0] == (0, 1, 0.0) and places[-1] == (keys - 2, keys - 1, 1.0)
    where = [position(place, keys) for place in places]
    step = (keys - 1) / (frames - 1)
    assert all(two - one == pytest.approx(step) for one, two in zip(where, where[1:]))


@pytest.mark.parametrize(("keys", "frames"), [(2, 2), (2, 120), (3, 7), (4, 120), (5, 500)])
def test_a_loop_comes_back_without_a_frame_twice(keys: int, frames: int) -> None:
    """Catches a last frame that is the first again, over which a film stumbles whenever it repeats."""
    places = places_of(keys, frames, loop=True)
    where = [position(place, keys) for place in places]
    assert places[0] == (0, 1, 0.0) and len(set(where)) == len(places) == frames
    assert keys - where[-1] == pytest.approx(where[1] - where[0])
    assert all(two - one == pytest.approx(keys / frames) for one, two in zip(where, where[1:]))


def test_keys_are_hit_exactly() -> None:
    """Catches shares of 0.9999 where a key frame should be."""
    assert [index for index, place in enumerate(places_of(4, 120, loop=True)) if place.share == 0] == [0, 30, 60, 90]
    assert [place.start for place in places_of(8, 50) if place.share in (0, 1)] == [0, 1, 2, 3, 4, 5, 6, 6]


@pytest.mark.parametrize("easing", EASINGS)
def test_easings_go_from_end_to_end_and_never_back(easing: str) -> None:
    shares = [place.share for place in places_of(2, 101, easing=easing)]
    assert shares[0] == 0 and shares[50] == 0.5 and shares[-1] == 1
    assert all(two >= one for one, two in zip(shares, shares[1:]))


def test_smooth_is_slow_at_the_keys() -> None:
    shares = [place.share for place in places_of(2, 101, easing="smooth")]
    assert shares[1] < 0.001 and shares[51] - shares[50] > 0.014


@pytest.mark.parametrize(
    "arguments", [(1, 10), (3, 2), (2, 10001), (2, 0), (0, 10)], ids=["one-key", "too-few", "too-many", "none", "no-key"]
)
def test_walks_that_cannot_be_are_refused(arguments: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="walk"):
        places_of(*arguments)
    with pytest.raises(UsageError, match="bouncy"):
        places_of(2, 20, easing="bouncy")


def angles(points: list[torch.Tensor]) -> torch.Tensor:
    units = torch.stack([point.double() / point.double().norm() for point in points])
    return torch.acos((units[1:] * units[:-1]).sum(1).clamp(-1, 1))


def test_an_arc_is_walked_at_a_constant_speed_and_keeps_to_the_sphere() -> None:
    """Catches a straight line, which in 512 dimensions passes far inside of where latents are, and fast there."""
    draw = torch.Generator().manual_seed(0)
    start, end = torch.randn(2, 512, generator=draw)
    points = [slerp(start, end, share / 20) for share in range(21)]
    steps = angles(points)
    assert float(steps.max() - steps.min()) < 1e-6 and float(steps.sum()) == pytest.approx(
        float(angles([start, end])), abs=1e-6
    )
    lengths = torch.stack([point.norm() for point in points])
    assert float((lengths.diff() - (end.norm() - start.norm()) / 20).abs().max()) < 1e-4
    line = angles([lerp(start, end, share / 20) for share in range(21)])
    assert float(line.max() / line.min()) > 1.5


def test_both_ways_begin_and_end_to_the_bit() -> None:
    start, end = torch.randn(2, 3, 7)
    for way in (lerp, slerp):
        assert torch.equal(way(start, end, 0.0), start) and torch.equal(way(start, end, 1.0), end)
        assert way(start, end, 0.3).dtype == start.dtype and way(start, end, 0.3).shape == (3, 7)


def test_points_without_an_arc() -> None:
    point = torch.tensor([3.0, 4.0])
    assert torch.allclose(slerp(point, point, 0.5), point) and torch.allclose(slerp(point, 2 * point, 0.5), 1.5 * point)
    assert torch.allclose(slerp(torch.zeros(2), point, 0.5), point / 2)
    with pytest.raises(NadaError, match="opposite"):
        slerp(point, -point, 0.5)
