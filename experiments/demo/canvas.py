"""Small picture arithmetic that the renderings share: float32 arrays (H, W, 3) or (H, W) in [0, 1]."""

from __future__ import annotations

import colorsys
import math

import numpy as np
from PIL import Image

CANVAS, SIZE = 128, 64  # drawn at twice the final size, so that every line and border comes out smooth
Array = np.ndarray


def to_canvas(photo: Array) -> Array:
    """uint8 (H, W, 3) of any size -> float32 (128, 128, 3) in [0, 1]."""
    picture = Image.fromarray(photo).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.float32) / 255


def from_canvas(canvas: Array) -> Array:
    """float (128, 128, 3) -> uint8 (64, 64, 3), each pixel the mean of four."""
    small = canvas.reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
    return (np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)


def blur(x: Array, sigma: float) -> Array:
    """Gaussian blur over the first two axes, borders repeated."""
    radius = max(1, math.ceil(2.5 * sigma))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    height, width = x.shape[:2]
    padded = np.pad(x, [(radius, radius)] + [(0, 0)] * (x.ndim - 1), mode="edge")
    x = sum(weight * padded[start : start + height] for start, weight in enumerate(weights))
    padded = np.pad(x, [(0, 0), (radius, radius)] + [(0, 0)] * (x.ndim - 2), mode="edge")
    return sum(weight * padded[:, start : start + width] for start, weight in enumerate(weights))


def grey(x: Array) -> Array:
    return x @ np.array([0.299, 0.587, 0.114], dtype=np.float32)


def saturate(x: Array, factor: float) -> Array:
    """Move colours away from their grey (factor > 1) or towards it."""
    base = grey(x)[..., None]
    return np.clip(base + (x - base) * factor, 0, 1)


def step(x: Array, edge: float, softness: float = 0.02) -> Array:
    """0 below `edge`, 1 above, with a narrow slope so that borders are smooth."""
    return np.clip((x - edge) / softness * 0.5 + 0.5, 0, 1)


def gradient(x: Array) -> tuple[Array, Array]:
    """Horizontal and vertical slope of a grey picture."""
    down, right = np.gradient(x)
    return right, down


def mix(under: Array, over: Array, amount: Array | float) -> Array:
    """`over` laid on `under`; `amount` (H, W) or a number in [0, 1]."""
    amount = amount[..., None] if isinstance(amount, np.ndarray) and amount.ndim == 2 else amount
    return under + (over - under) * amount


def hue_colour(hue: Array | float) -> Array:
    """Pure colours, shape (..., 3), of hues in turns."""
    offsets = np.array([0.0, 4.0, 2.0], dtype=np.float32)
    return np.clip(np.abs((np.asarray(hue, dtype=np.float32)[..., None] * 6 + offsets) % 6 - 3) - 1, 0, 1)


def vivid(colour: Array, saturation: float, value: float) -> Array:
    """The same hue with at least this saturation and value; greys stay grey."""
    hue, s, v = colorsys.rgb_to_hsv(*(float(c) for c in colour))
    s = max(s, saturation) if s > 0.15 else s
    return np.array(colorsys.hsv_to_rgb(hue, s, max(v, value)), dtype=np.float32)


def cloud(rng: np.random.Generator, cells: int) -> Array:
    """Smooth noise (128, 128) of about unit deviation with `cells` lumps a side."""
    coarse = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)) * 1.4


def quantise(x: Array, colours: int) -> tuple[Array, Array]:
    """(labels (H, W), palette (K, 3) float): a median-cut palette of at most `colours`, nearest colour per
    pixel.

    The palette comes from a 32 px copy, which is twenty times faster than from the picture and looks the
    same.
    """
    picture = Image.fromarray((np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8))
    if max(picture.size) > 32:
        picture = picture.resize((32, 32), Image.Resampling.BOX)
    reduced = picture.quantize(colours, kmeans=1)
    palette = np.array(reduced.getpalette(), dtype=np.float32).reshape(-1, 3)[: np.asarray(reduced).max() + 1] / 255
    distance = (palette**2).sum(1) - 2 * x.astype(np.float32) @ palette.T
    return distance.argmin(2), palette


def smooth_regions(labels: Array, count: int, sigma: float) -> Array:
    """The labels after every region's border has been rounded off."""
    return np.stack([blur((labels == k).astype(np.float32), sigma) for k in range(count)]).argmax(0)


def subject(x: Array) -> Array | None:
    """Soft mask (H, W) of a thing on white ground, or None where the ground is not white."""
    border = np.concatenate([x[0], x[-1], x[:, 0], x[:, -1]])
    if (border.min(axis=1) > 0.9).mean() < 0.6:
        return None
    return step(blur((x.min(axis=2) < 0.88).astype(np.float32), 1.5), 0.5, 0.3)


def coordinates() -> tuple[Array, Array]:
    """Horizontal and vertical position (128, 128), from -1 to 1."""
    line = np.linspace(-1, 1, CANVAS, dtype=np.float32)
    return np.meshgrid(line, line)


def badge(rng: np.random.Generator) -> Array:
    """Mask (128, 128) of a disc or of a square with round corners, as logos have."""
    x, y = coordinates()
    size, roundness = rng.uniform(0.8, 0.95), rng.choice([2, 4, 6])
    return step(size**roundness - (np.abs(x) ** roundness + np.abs(y) ** roundness), 0, 0.06)
