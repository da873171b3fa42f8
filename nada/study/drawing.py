"""Axes, marks and labels of small drawings in SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nada.study.markup import Markup, join, tag

# How policies are told apart: by shape as well as by colour, since not everyone sees the colours alike.
FAMILIES = {"late": "late blocks", "early": "early blocks", "blocks": "single blocks or a range", "all": "all blocks",
            "auto": "chosen anew in every step", "group": "some parameters only", "none": "no adaptation"}  # fmt: skip
_LETTER = 6.3  # width of a letter of a label, in pixels
_LINE = 13.0


class Scale(NamedTuple):
    """A straight axis: values from `low` to `high` lie at pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


class Label(NamedTuple):
    """A text at a point; `x`, `y` is its anchor's place, `anchor` start, middle or end."""

    text: str
    x: float
    y: float
    anchor: str


def family(policy: str) -> str:
    """Which of `FAMILIES` a policy is of."""
    if "@" in policy or policy in ("mapping", "torgb", "style-offset"):
        return "group"
    name = policy.split(":")[0]
    return "auto" if name.startswith("auto") else name if name in FAMILIES else "group"


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers within [low, high], about as many as asked for."""
    if not high > low:
        return [low]
    raw = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [round((first + index) * step, 10) for index in range(count)]


def span(values: Iterable[float], margin: float = 0.06) -> tuple[float, float]:
    """The least and the largest value with some room around them; never of width 0."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    room = margin * (high - low) or 0.05 * max(abs(low), 0.1)
    return low - room, high + room


def mark(shape: str, x: float, y: float, size: float, attributes: dict[str, object]) -> Markup:
    """A mark of a family around a point, of about the same area for each."""
    if shape == "late":
        return tag("circle", {"cx": x, "cy": y, "r": size, **attributes})
    corners = {
        "early": [(0, -1.25), (1.15, 0.85), (-1.15, 0.85)],
        "blocks": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "all": [(0, -1.35), (1.35, 0), (0, 1.35), (-1.35, 0)],
        "auto": [(0, -1.15), (1.1, -0.35), (0.7, 0.95), (-0.7, 0.95), (-1.1, -0.35)],
        "group": [(0, 1.25), (1.15, -0.85), (-1.15, -0.85)],
        "none": [(-0.35, -1.2), (0.35, -1.2), (0.35, -0.35), (1.2, -0.35), (1.2, 0.35), (0.35, 0.35), (0.35, 1.2),
                 (-0.35, 1.2), (-0.35, 0.35), (-1.2, 0.35), (-1.2, -0.35), (-0.35, -0.35)],
    }[shape]  # fmt: skip
    points = " ".join(f"{x + size * dx:.1f},{y + size * dy:.1f}" for dx, dy in corners)
    return tag("polygon", {"points": points, **attributes})


def line(points: Sequence[tuple[float, float]], attributes: dict[str, object]) -> Markup:
    """A line through points, in pixels."""
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return tag("polyline", {"points": steps, "fill": "none", **attributes})


def axes(across: Scale, up: Scale, titles: tuple[str, str]) -> Markup:
    """Grid lines with their numbers, and the titles of both axes."""
    parts: list[Markup] = []
    for value in ticks(across.low, across.high, 6):
        x = across(value)
        parts.append(tag("line", {"class": "grid", "x1": x, "x2": x, "y1": up.start, "y2": up.end}))
        parts.append(tag("text", {"x": x, "y": up.start + 16, "text-anchor": "middle"}, f"{value:g}"))
    for value in ticks(up.low, up.high, 5):
        y = up(value)
        parts.append(tag("line", {"class": "grid", "x1": across.start, "x2": across.end, "y1": y, "y2": y}))
        parts.append(tag("text", {"x": across.start - 8, "y": y + 4, "text-anchor": "end"}, f"{value:g}"))
    middle = (across.start + across.end) / 2
    parts.append(tag("text", {"class": "axis", "x": middle, "y": up.start + 36, "text-anchor": "middle"}, titles[0]))
    parts.append(tag("text", {"class": "axis", "x": across.start, "y": up.end - 8, "text-anchor": "start"}, titles[1]))
    return join(*parts)


def place_labels(names: Sequence[tuple[str, float, float]], inside: tuple[float, float, float, float]) -> list[Label]:
    """Put a text beside each of its points so that few lie on each other, on a point or outside of `inside`.

    Args:
        names: text and point, the ones that matter most first.
        inside: left, top, right and bottom in pixels.
    """
    taken = [(x - 6, y - 6, x + 6, y + 6) for _, x, y in names]
    labels = []
    for text, x, y in names:
        found = [_candidate(text, x + dx, y + dy, anchor) for dx, dy, anchor in _PLACES]
        costs = [_cost(box, taken, inside) + 2 * rank for rank, (_, box) in enumerate(found)]
        label, box = found[costs.index(min(costs))]
        labels.append(label)
        taken.append(box)
    return labels


_PLACES = [(10, 4, "start"), (-10, 4, "end"), (0, -11, "middle"), (0, 20, "middle"), (9, -9, "start"), (9, 17, "start"),
           (-9, -9, "end"), (-9, 17, "end"), (0, -25, "middle"), (0, 34, "middle"), (22, -20, "start"),
           (22, 28, "start"), (-22, -20, "end"), (-22, 28, "end")]  # fmt: skip
Box = tuple[float, float, float, float]


def _candidate(text: str, x: float, y: float, anchor: str) -> tuple[Label, Box]:
    width = _LETTER * len(text)
    left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
    return Label(text, x, y, anchor), (left, y - _LINE + 3, left + width, y + 3)


def _cost(box: Box, taken: Sequence[Box], inside: Box) -> float:
    covered = sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0])) * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in taken
    )
    outside = max(0.0, inside[0] - box[0]) + max(0.0, box[2] - inside[2]) + max(0.0, inside[1] - box[1])
    return covered + 40 * (outside + max(0.0, box[3] - inside[3]))
