"""The painted and the laid styles: oil, watercolour, mosaic. Same contract as the rest of `render`."""

from __future__ import annotations

import numpy as np
from canvas import (
    CANVAS,
    Array,
    blur,
    cloud,
    coordinates,
    gradient,
    grey,
    mix,
    quantise,
    saturate,
    step,
    subject,
)

Rng = np.random.Generator

_GROUNDS = np.array(  # umber, ochre, olive, slate, wine, sand
    [
        [0.32, 0.22, 0.14],
        [0.66, 0.50, 0.26],
        [0.34, 0.36, 0.20],
        [0.30, 0.36, 0.42],
        [0.36, 0.16, 0.16],
        [0.74, 0.66, 0.52],
    ],
    dtype=np.float32,
)


def _smear(noise: Array, angle: float, length: int) -> Array:
    """Noise dragged along a direction, as the hairs of a brush leave it, about unit deviation."""
    drawn = sum(
        np.roll(noise, (round(k * np.sin(angle)), round(k * np.cos(angle))), axis=(0, 1)) for k in range(-length, length + 1)
    )
    return drawn / drawn.std()


def _strokes(tone: Array, rng: Rng) -> Array:
    """Relief (H, W) of brush strokes that follow the outlines of `tone`."""
    right, down = gradient(blur(tone, 4))
    along = (np.arctan2(down, right) + np.pi / 2 + cloud(rng, 5) * 0.5) % np.pi
    noise = blur(rng.standard_normal(tone.shape).astype(np.float32), 0.8)
    choices = np.stack([_smear(noise, k * np.pi / 6, 6) for k in range(6)])
    return np.take_along_axis(choices, (np.rint(along / np.pi * 6).astype(int) % 6)[None], 0)[0]


def _kuwahara(x: Array, radius: int) -> Array:
    """Each pixel takes the mean of the calmest of its four corner windows (Kuwahara et al. 1976)."""
    side = radius + 1
    padded = np.pad(x, ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    stacked = np.concatenate([padded, grey(padded)[..., None] ** 2], axis=2)
    total = np.pad(stacked.cumsum(0, dtype=np.float64).cumsum(1), ((1, 0), (1, 0), (0, 0)))
    window = (total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]) / side**2
    height, width = x.shape[:2]
    corners = np.stack([window[i : i + height, j : j + width] for i in (0, radius) for j in (0, radius)])
    spread = corners[..., 3] - grey(corners[..., :3].astype(np.float32)) ** 2
    return np.take_along_axis(corners[..., :3], spread.argmin(0)[None, ..., None], 0)[0].astype(np.float32)


def oil(x: Array, rng: Rng) -> Array:
    """Thick paint: calm patches, brush relief along the forms, a painted ground instead of white."""
    mask = subject(x)
    if mask is not None:
        ground = _GROUNDS[rng.integers(len(_GROUNDS))] * rng.uniform(0.8, 1.25)
        wall = ground * (1 + 0.12 * cloud(rng, 6)[..., None])
        x = mix(wall.astype(np.float32), x, mask)
    tone = grey(x)
    relief = _strokes(tone, rng)
    broken = x + rng.uniform(0.04, 0.09) * relief[..., None] * np.array([1.1, 1, 0.8], dtype=np.float32)
    paint = _kuwahara(np.clip(broken, 0, 1), int(rng.integers(2, 5)))
    lit = np.diff(relief, axis=0, append=relief[-1:]) * rng.uniform(0.015, 0.035)
    paint = saturate(np.clip(paint, 0, 1), rng.uniform(1.15, 1.5)) + (lit + rng.uniform(0.015, 0.04) * relief)[..., None]
    return np.clip(paint, 0, 1)


def watercolor(x: Array, rng: Rng) -> Array:
    """Pale washes with darker rims and soft clouds of pigment, the paper showing around them."""
    mask = subject(x)
    labels, palette = quantise(blur(x, rng.uniform(1.2, 2.2)), int(rng.integers(7, 12)))
    wash = mix(blur(palette[labels], 0.9), blur(x, 1.5), 0.35)
    thickness = rng.uniform(0.55, 0.8) * (1 + 0.18 * cloud(rng, 7) + 0.1 * cloud(rng, 22))
    rim = np.abs(blur(grey(wash), 1) - blur(grey(wash), 3)) * rng.uniform(2, 4)
    pigment = (1 - saturate(wash, rng.uniform(1.2, 1.6))) * np.clip(thickness + rim, 0, 1.2)[..., None]
    horizontal, vertical = coordinates()
    reach = np.maximum(np.abs(horizontal), np.abs(vertical)) + 0.07 * cloud(rng, 8)
    shape = (
        step(-reach, -rng.uniform(0.75, 0.95), 0.15)
        if mask is None
        else step(blur(mask, 2) + 0.12 * cloud(rng, 12), 0.5, 0.4)
    )
    edge = np.clip(shape * (1 - blur(shape, 3)) * 1.2, 0, 1)
    paper = 1 - rng.uniform(0, 0.06) * np.array([0.3, 0.5, 1.0], dtype=np.float32)
    grain = 1 - 0.03 * np.abs(rng.standard_normal((CANVAS, CANVAS, 1)).astype(np.float32))
    return np.clip((paper - pigment * (shape * (1 + edge))[..., None]) * grain, 0, 1)


def _cells(pitch: float, jitter: float, rng: Rng) -> Array:
    """Label (H, W) of the nearest of a grid of jittered points."""
    count = int(np.ceil(CANVAS / pitch)) + 3
    points = (np.stack(np.meshgrid(np.arange(count), np.arange(count), indexing="ij"), -1) - 1 + 0.5) * pitch
    points = points + rng.uniform(-jitter, jitter, points.shape) * pitch
    rows, columns = np.meshgrid(np.arange(CANVAS), np.arange(CANVAS), indexing="ij")
    best, label = np.full((CANVAS, CANVAS), np.inf), np.zeros((CANVAS, CANVAS), dtype=int)
    for i in range(3):
        for j in range(3):
            r, c = (rows / pitch).astype(int) + i, (columns / pitch).astype(int) + j
            distance = (points[r, c, 0] - rows) ** 2 + (points[r, c, 1] - columns) ** 2
            closer = distance < best
            best, label = np.where(closer, distance, best), np.where(closer, r * count + c, label)
    return label


def mosaic(x: Array, rng: Rng) -> Array:
    """Tiles of one colour each with grout between them."""
    label = _cells(rng.uniform(9, 14), rng.choice([0.05, 0.2, 0.35]), rng)
    _, label = np.unique(label, return_inverse=True)
    label = label.reshape(CANVAS, CANVAS)
    sizes = np.bincount(label.ravel())
    tiles = np.stack([np.bincount(label.ravel(), x[..., c].ravel()) / sizes for c in range(3)], -1)
    tiles = saturate(tiles.astype(np.float32), rng.uniform(1.2, 1.6)) * (1 + 0.08 * rng.standard_normal((len(sizes), 1)))
    differs = (label != np.roll(label, 1, 0)) | (label != np.roll(label, 1, 1))
    grout = step(blur(differs.astype(np.float32), 0.8), 0.35, 0.3)
    joint = np.full(3, rng.choice([rng.uniform(0.1, 0.3), rng.uniform(0.75, 0.95)]), dtype=np.float32)
    return np.clip(mix(tiles[label], joint, grout * rng.uniform(0.7, 1)), 0, 1)
