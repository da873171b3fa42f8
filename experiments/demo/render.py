"""Draws a photograph in other styles: `render(style, photo, rng)`, all of it arithmetic, nothing learned.

Every style draws its parameters anew for every picture, so that a guide learns the style and not one filter.
"""

from __future__ import annotations

import numpy as np
from canvas import (
    SIZE,
    Array,
    badge,
    blur,
    cloud,
    coordinates,
    from_canvas,
    gradient,
    grey,
    hue_colour,
    mix,
    quantise,
    saturate,
    smooth_regions,
    step,
    subject,
    to_canvas,
    vivid,
)
from paint import mosaic, oil, watercolor
from PIL import Image

Rng = np.random.Generator


def photo(x: Array, rng: Rng) -> Array:
    return x


def pencil(x: Array, rng: Rng) -> Array:
    """Dodge-and-burn lines, hatching in the shadows, paper grain; graphite on near-white paper."""
    tone = blur(grey(x), rng.uniform(0.6, 1.2))
    lines = np.clip(tone / (blur(tone, rng.uniform(3, 7)) + 1e-3), 0, 1) ** rng.uniform(3, 8)
    horizontal, vertical = coordinates()
    angle = rng.uniform(0.4, 1.2) * rng.choice([-1, 1])
    wave = np.sin((horizontal * np.cos(angle) + vertical * np.sin(angle)) * rng.uniform(42, 62) + cloud(rng, 9) * 0.7)
    dark = np.clip((rng.uniform(0.55, 0.75) - tone) * 1.8, 0, 1)
    hatch = 1 - dark * rng.uniform(0.3, 0.8) * (0.45 + 0.55 * step(wave, 0.1, 0.8))
    shade = lines * hatch * (1 - 0.04 * np.abs(rng.standard_normal(tone.shape).astype(np.float32)))
    ink, paper = (
        rng.uniform(0.1, 0.25),
        np.array([1, 1, 1]) - rng.uniform(0, 0.05) * np.array([0.2, 0.4, 1.0]),
    )
    return np.clip(ink + (paper - ink) * shade[..., None], 0, 1)


def _silhouette(x: Array, mask: Array, rng: Rng) -> Array:
    """One saturated colour on white, perhaps with one shade and one highlight."""
    colour = vivid(np.median(x[mask > 0.9], axis=0), rng.uniform(0.75, 0.95), rng.uniform(0.75, 0.95))
    drawn = np.broadcast_to(colour, x.shape).astype(np.float32)
    light = blur(grey(x), rng.uniform(4, 8))
    low, high = np.quantile(light[mask > 0.9], [rng.uniform(0.25, 0.45), rng.uniform(0.85, 0.95)])
    if rng.random() < 0.65:
        drawn = mix(drawn, colour * rng.uniform(0.7, 0.85), step(-light, -low))
    if rng.random() < 0.75:
        drawn = mix(drawn, colour * 0.4 + 0.6, step(light, high))
    return mix(np.ones_like(drawn), drawn, step(blur(mask, rng.uniform(1, 3)), 0.5, 0.2))


def flat(x: Array, rng: Rng) -> Array:
    """Flat vector art: a silhouette on white, or a scene in three to five plain colours, often on a badge."""
    mask = subject(x)
    if mask is not None:
        return _silhouette(x, mask, rng)
    labels, palette = quantise(saturate(blur(x, rng.uniform(2, 4)), rng.uniform(1.5, 2.2)), rng.integers(3, 6))
    labels = smooth_regions(labels, len(palette), rng.uniform(2, 4))
    drawn = np.stack([vivid(colour, rng.uniform(0.3, 0.7), 0.25) for colour in palette])[labels]
    return mix(np.ones_like(drawn), drawn, badge(rng)) if rng.random() < 0.6 else drawn


def pixel(x: Array, rng: Rng) -> Array:
    """Big square pixels from a small bright palette, a dark outline around a lone subject at times."""
    side, mask = int(rng.choice([11, 13, 16, 16, 16, 21])), subject(x)
    small = Image.fromarray((saturate(x, rng.uniform(1.1, 1.6)) * 255).astype(np.uint8))
    small = np.asarray(small.resize((side, side), Image.Resampling.BOX), dtype=np.float32) / 255
    if mask is not None:
        small[small.min(axis=2) > 0.8] = 1
        inside = np.pad(small.min(axis=2) < 0.99, 1)
        rim = inside[1:-1, 1:-1] & ~(inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:])
        if rng.random() < 0.6:
            small[rim] *= rng.uniform(0.15, 0.5)
    labels, palette = quantise(small, rng.integers(6, 13))
    nearest = np.arange(SIZE) * side // SIZE
    return palette[labels][nearest][:, nearest].repeat(2, axis=0).repeat(2, axis=1)


def cel(x: Array, rng: Rng) -> Array:
    """Anime: a few bright tones of shade with hard borders, and dark ink lines."""
    smooth, mask = blur(x, rng.uniform(1.5, 2.5)), subject(x)
    tone, levels = np.clip(blur(grey(x), rng.uniform(2, 3)), 0.02, 1), int(rng.integers(3, 5))
    bands = sum(step(tone, (k + 0.6) / levels, 0.05) for k in range(levels)) / levels
    drawn = saturate(np.clip(smooth * ((bands * 0.75 + 0.25) / tone)[..., None], 0, 1), rng.uniform(1.35, 1.8))
    fine = blur(grey(x), 1.0)
    ink = step(blur(fine, rng.uniform(1.6, 2.4)) - fine, rng.uniform(0.025, 0.05), 0.02)
    if mask is not None:
        drawn = mix(np.ones_like(drawn), drawn, mask)
        spot = step(tone, np.quantile(tone[mask > 0.9], rng.uniform(0.92, 0.97))) * mask
        drawn = mix(drawn, np.ones_like(drawn), spot * rng.uniform(0.6, 1))
        ink = np.maximum(ink * mask * 0.6, step(blur(mask, rng.uniform(1.2, 2)) * (1 - mask) * 4, 0.25, 0.2))
    return mix(drawn, np.full(3, rng.uniform(0.02, 0.12), dtype=np.float32), np.clip(ink, 0, 1))


def mono(x: Array, rng: Rng) -> Array:
    """Black and white photograph: contrast curve, light grain, at times a vignette."""
    tone = np.clip(grey(x), 0, 1) ** rng.uniform(0.75, 1.35)
    tone = tone + rng.uniform(0, 0.5) * (tone * tone * (3 - 2 * tone) - tone)
    horizontal, vertical = coordinates()
    if rng.random() < 0.4:
        tone = tone * (1 - rng.uniform(0.1, 0.3) * (horizontal**2 + vertical**2))
    tone = tone + rng.uniform(0, 0.05) * rng.standard_normal(tone.shape)
    return np.repeat(np.clip(tone, 0, 1)[..., None], 3, axis=2).astype(np.float32)


def neon(x: Array, rng: Rng) -> Array:
    """Glowing tubes along the outlines on a nearly black wall."""
    mask = subject(x)
    right, down = gradient(blur(grey(x), rng.uniform(1.4, 2.4)))
    edge = np.hypot(right, down)
    edge = np.clip((edge / (np.quantile(edge, 0.97) + 1e-4) - 0.45) / 0.4, 0, 1)
    if mask is not None:
        rim = np.hypot(*gradient(blur(mask, 1.5)))
        inside = blur((mask > 0.98).astype(np.float32), 2) > 0.99
        inner = np.hypot(*gradient(blur(grey(x), 1.8))) * inside
        inner = np.clip((inner / (np.quantile(inner[inside], 0.96) + 0.004) - 0.5) / 0.4, 0, 1)
        edge = np.maximum(inner * rng.uniform(0.35, 0.8), np.clip(rim / rim.max() * 1.5 - 0.3, 0, 1))
    horizontal, vertical = coordinates()
    turn = horizontal * rng.uniform(-0.15, 0.15) + vertical * rng.uniform(-0.15, 0.15)
    colour = hue_colour(rng.random() + turn * rng.choice([0, 1, 2])) * 0.9 + 0.05
    wall = np.array([rng.uniform(0, 0.06), rng.uniform(0, 0.04), rng.uniform(0.01, 0.12)], dtype=np.float32)
    glow = blur(edge, 3) * rng.uniform(0.8, 1.3) + blur(edge, 8) * rng.uniform(0.4, 0.9)
    lit = mix(wall + colour * glow[..., None], colour * 0.55 + 0.45, edge)
    return np.clip(lit, 0, 1)


STYLES = {f.__name__: f for f in (photo, pencil, flat, pixel, cel, oil, mono, neon, watercolor, mosaic)}


def render(style: str, picture: Array, rng: Rng) -> Array:
    """`picture` uint8 (H, W, 3) of any size drawn in `style` -> uint8 (64, 64, 3).

    The same picture, style and state of `rng` give the same bytes. Raises KeyError for an unknown style.
    """
    return from_canvas(STYLES[style](to_canvas(picture), rng).astype(np.float32))
