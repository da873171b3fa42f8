"""Where the words of a cloud stand: the largest in the middle, the others on a spiral around it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import ImageFont

WIDTH, HEIGHT = 900, 360
_SMALLEST, _LARGEST = 14, 66
_GAP = 3.0
_LINE = 0.98  # of the font size: from the top of an h to the bottom of a p
_STEPS = 5000


class Placed(NamedTuple):
    """A word (its index) with the centre of its box, its width and its font size, in the units of WIDTH and HEIGHT."""

    index: int
    x: float
    y: float
    width: float
    size: float


def lay_out(words: Sequence[tuple[str, int]]) -> list[Placed]:
    """Place words `(word, count)`, the most frequent first; one that finds no room is left out.

    Areas follow the counts: the font size goes with the square root. The same words always give the same cloud.
    """
    if not words:
        return []
    highest, lowest = math.sqrt(words[0][1]), math.sqrt(words[-1][1])
    placed: list[Placed] = []
    boxes = np.zeros((0, 4))
    for index, (word, count) in enumerate(words):
        share = (math.sqrt(count) - lowest) / (highest - lowest) if highest > lowest else 0.5
        size = round(_SMALLEST + share * (_LARGEST - _SMALLEST), 1)
        width = measure(word, size)
        spot = _find_room(width, size * _LINE, boxes)
        if spot is not None:
            placed.append(Placed(index, round(spot[0], 1), round(spot[1], 1), round(width, 1), size))
            boxes = np.vstack([boxes, _box(*spot, width, size * _LINE)])
    return placed


def measure(word: str, size: float) -> float:
    """About how wide a browser sets the word. Characters of East Asian scripts are as wide as they are high."""
    wide = [char for char in word if unicodedata.east_asian_width(char) in "WF"]
    narrow = "".join(char for char in word if char not in wide)
    font = ImageFont.load_default(size=100)
    return size * (len(wide) + font.getlength(narrow) / 100)


def _box(x: float, y: float, width: float, height: float) -> np.ndarray:
    half = np.array([width + _GAP, height + _GAP]) / 2
    return np.array([x - half[0], y - half[1], x + half[0], y + half[1]])


def _find_room(width: float, height: float, boxes: np.ndarray) -> tuple[float, float] | None:
    """The first place on an ellipse that widens, where the box lies inside the cloud and touches no other."""
    half = np.array([width + _GAP, height + _GAP]) / 2
    low, high = _SPIRAL - half, _SPIRAL + half
    free = (low >= 0).all(axis=1) & (high <= (WIDTH, HEIGHT)).all(axis=1)
    apart = (high[:, None] <= boxes[None, :, :2]) | (low[:, None] >= boxes[None, :, 2:])
    places = np.flatnonzero(free & apart.any(axis=2).all(axis=1))
    return tuple(_SPIRAL[places[0]].tolist()) if len(places) else None


def _spiral() -> np.ndarray:
    """Points (x, y) from the middle outwards, about as far from each other everywhere."""
    angles = 1.6 * np.sqrt(np.arange(_STEPS))
    circle = np.stack([np.cos(angles) * WIDTH / HEIGHT, np.sin(angles)], axis=1)
    return np.array([WIDTH / 2, HEIGHT / 2]) + 2 * angles[:, None] * circle


_SPIRAL = _spiral()
