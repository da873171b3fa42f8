"""Who is beaten on both sides at once: the front of target reached against content kept (Pareto 1906)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

# Target reached by one measure against content kept by another; the first of them is the one that is drawn.
FRONTS = (("projection", "content"), ("direction", "content"), ("projection", "recognised"))


class Point(NamedTuple):
    """What was reached and what was kept; larger is better in both."""

    reached: float
    kept: float


def dominates(one: Point, other: Point) -> bool:
    """Whether `one` is at least as good in both and better in one of them."""
    return one.reached >= other.reached and one.kept >= other.kept and one != other


def dominators(points: Mapping[str, Point]) -> dict[str, tuple[str, ...]]:
    """Return by whom each point is dominated, in the order of `points`; by nobody on the front."""
    return {
        name: tuple(other for other, rival in points.items() if dominates(rival, point)) for name, point in points.items()
    }


def front(points: Mapping[str, Point]) -> list[str]:
    """Return the names that nobody dominates, from least to most reached."""
    free = [name for name, beaten in dominators(points).items() if not beaten]
    return sorted(free, key=lambda name: points[name])
