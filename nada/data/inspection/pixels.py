"""Numbers of many small copies at once: brightness, colourfulness, black and white, background."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

from nada.data.inspection.looking import border_mask

CHROMA = 16  # levels between the largest and smallest channel from which a pixel counts as coloured
COLOURED_SHARE = 0.005  # a picture with fewer coloured pixels than this share is black and white
PLAIN_DISTANCE = 20  # levels that a border pixel may differ from the border's median and still belong to it
PLAIN_SHARE = 0.75  # of the border that must belong for the background to count as plain

CLEAR, VARIED = "transparent", "not plain"
BACKGROUNDS = (
    "white", "grey", "black", "red", "orange", "brown", "yellow", "green", "cyan", "blue", "purple", "pink",
    CLEAR, VARIED,
)  # fmt: skip
# Upper ends of the hues in degrees; what is left up to 360 is red again.
_HUES = ((15, "red"), (42, "orange"), (68, "yellow"), (165, "green"), (195, "cyan"), (255, "blue"), (290, "purple"),
         (345, "pink"))  # fmt: skip


class Pixels(NamedTuple):
    """Per picture `(N,)`: mean brightness 0 to 1, colourfulness, whether it is black and white, its background."""

    brightness: np.ndarray
    colourfulness: np.ndarray
    monochrome: np.ndarray
    background: np.ndarray


def measure_pixels(small: np.ndarray, clear: np.ndarray) -> Pixels:
    """Measure small copies `(N, 64, 64, 3)` uint8; `clear (N,)` says whose border is transparent.

    Colourfulness is the measure of Hasler and Suesstrunk (2003), equation 1 of section 6: 0 is grey, 15 slightly,
    33 moderately, 45 averagely, 59 quite, 82 highly and 109 extremely colourful. `background` indexes BACKGROUNDS.
    """
    channels = [np.ascontiguousarray(small[..., channel]) for channel in range(3)]
    red, green, blue = (channel.astype(np.float32) for channel in channels)
    chroma = reduce(np.maximum, channels) - reduce(np.minimum, channels)
    coloured = (chroma > CHROMA).mean(axis=(1, 2))
    means = [channel.mean(axis=(1, 2)) for channel in (red, green, blue)]
    brightness = (0.299 * means[0] + 0.587 * means[1] + 0.114 * means[2]) / 255
    background = np.where(clear, BACKGROUNDS.index(CLEAR), _backgrounds(small)).astype(np.uint8)
    return Pixels(brightness, _colourfulness(red, green, blue), coloured < COLOURED_SHARE, background)


def _colourfulness(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    opponents = (red - green, (red + green) / 2 - blue)
    spread = np.sqrt(sum(axis.var(axis=(1, 2)) for axis in opponents))
    shift = np.sqrt(sum(axis.mean(axis=(1, 2)) ** 2 for axis in opponents))
    return spread + 0.3 * shift


def _backgrounds(small: np.ndarray) -> np.ndarray:
    border = small[:, border_mask()].astype(np.int16)
    median = np.median(border, axis=1).astype(np.int16)
    apart = np.abs(border - median[:, None])
    near = (reduce(np.maximum, (apart[..., channel] for channel in range(3))) <= PLAIN_DISTANCE).mean(axis=1)
    names = [name_colour(*colour) if share >= PLAIN_SHARE else VARIED for colour, share in zip(median.tolist(), near)]
    return np.array([BACKGROUNDS.index(name) for name in names], np.uint8)


def name_colour(red: int, green: int, blue: int) -> str:
    """The plain name of an RGB colour, one of twelve."""
    high, low = max(red, green, blue), min(red, green, blue)
    chroma = high - low
    if high < 40:
        return "black"
    if chroma < 24 or chroma < 0.12 * high:
        return "white" if low >= 225 else "grey"
    if high == red:
        hue = 60 * ((green - blue) / chroma % 6)
    elif high == green:
        hue = 60 * ((blue - red) / chroma + 2)
    else:
        hue = 60 * ((red - green) / chroma + 4)
    name = next((name for end, name in _HUES if hue < end), "red")
    return "brown" if name == "orange" and high < 175 else name
