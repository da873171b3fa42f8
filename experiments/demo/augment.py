"""What happens to a training picture: nothing that changes its style, and flaws that a caption may name.

A small guide is fooled by grain, crushed contrast and outlines. So every style is shown with mild noise,
blur, JPEG, colour and framing changes, and a quarter of the photographs is spoiled outright and still called
a photo.
"""

from __future__ import annotations

import io
import math

import numpy as np
import torch
import torch.nn.functional as F
from captions import FLAWS, STYLE_NAMES
from PIL import Image
from torch import Tensor

Rng = np.random.Generator
_GREY = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


def _uniform(rng: Rng, count: int, low: float, high: float) -> Tensor:
    return torch.from_numpy(rng.uniform(low, high, (count, 1, 1, 1)).astype(np.float32))


def _noise(rng: Rng, shape: torch.Size) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def _saturate(x: Tensor, factor: Tensor | float) -> Tensor:
    grey = (x * _GREY).sum(1, keepdim=True)
    return grey + (x - grey) * factor


def _frame(x: Tensor, rng: Rng) -> Tensor:
    """Shift, zoom and turn a little; what comes in at the border repeats the border."""
    count = len(x)
    angle, zoom = rng.uniform(-0.12, 0.12, count), rng.uniform(0.78, 1.12, count)
    theta = np.zeros((count, 2, 3), dtype=np.float32)
    theta[:, 0, 0] = theta[:, 1, 1] = np.cos(angle) * zoom
    theta[:, 0, 1], theta[:, 1, 0] = -np.sin(angle) * zoom, np.sin(angle) * zoom
    theta[:, :, 2] = rng.uniform(-0.14, 0.14, (count, 2))
    grid = F.affine_grid(torch.from_numpy(theta), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _jpeg(picture: Tensor, quality: int) -> Tensor:
    pixels = (picture.clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1) / 255


def _soften(x: Tensor, amount: Tensor) -> Tensor:
    return x + (F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1) - x) * amount


def _cut(x: Tensor, rng: Rng) -> None:
    """Paint one rectangle of each picture, in place, in a random colour."""
    for picture in x:
        height, width = rng.integers(8, 25, 2)
        top, left = rng.integers(0, 64 - height), rng.integers(0, 64 - width)
        picture[:, top : top + height, left : left + width] = float(rng.random())


def _outline(x: Tensor, rng: Rng) -> Tensor:
    """Darken along edges, as an adapted generator does to look drawn."""
    grey = _soften((x * _GREY).sum(1, keepdim=True), torch.ones(1))
    edges = (F.max_pool2d(grey, 3, 1, 1) + F.max_pool2d(-grey, 3, 1, 1)) * _uniform(rng, len(x), 1.5, 4)
    return x * (1 - edges.clamp(0, 1) * 0.85)


def _spoil(x: Tensor, flaw: str, rng: Rng) -> Tensor:
    count = len(x)
    if flaw == "noisy":
        colourful = torch.from_numpy(rng.random((count, 1, 1, 1)) < 0.6)
        noise = _noise(rng, x.shape)
        return x + torch.where(colourful, noise, noise[:, :1]) * _uniform(rng, count, 0.1, 0.3)
    if flaw == "blurry":
        side = int(rng.integers(10, 22))
        small = F.interpolate(x, size=side, mode="bilinear", antialias=True)
        return F.interpolate(small, size=64, mode="bicubic")
    if flaw == "overexposed":
        return x * _uniform(rng, count, 1.5, 2.2) + 0.1
    if flaw == "dark":
        return x * _uniform(rng, count, 0.2, 0.45)
    if flaw == "oversaturated":
        return _saturate(x, _uniform(rng, count, 2.2, 4))
    return (x - _uniform(rng, count, 0.35, 0.6)) * _uniform(rng, count, 2.5, 6) + 0.5


def spoil_photos(x: Tensor, codes: np.ndarray, rng: Rng, share: float = 0.25) -> np.ndarray:
    """Spoil a share of the photographs in `x`, in place; return each picture's flaw code.

    A twentieth of them gets dark outlines instead, which is no flaw that a caption names.
    """
    flaws = np.zeros(len(x), dtype=np.int64)
    photos = codes[:, 0] == STYLE_NAMES.index("photo")
    draw = rng.random(len(x))
    flaws[photos & (draw < share)] = rng.integers(1, len(FLAWS), int((photos & (draw < share)).sum()))
    for code in range(1, len(FLAWS)):
        if len(rows := np.flatnonzero(flaws == code)):
            x[rows] = _spoil(x[rows], FLAWS[code], rng).clamp(0, 1)
    if len(rows := np.flatnonzero(photos & (draw > 0.95))):
        x[rows] = _outline(x[rows], rng)
    return flaws


def _grey_styles(codes: np.ndarray) -> np.ndarray:
    return np.isin(codes[:, 0], [STYLE_NAMES.index(style) for style in ("mono", "pencil")])


def _grain(rng: Rng, shape: torch.Size, grey: Tensor) -> Tensor:
    """Unit noise, fine in half of the pictures, in lumps of three pixels in the others; grey where asked."""
    noise = _noise(rng, shape)
    noise = torch.where(grey.view(-1, 1, 1, 1), noise[:, :1], noise)
    coarse = torch.from_numpy(rng.random((shape[0], 1, 1, 1)) < 0.5)
    lumps = F.interpolate(noise[..., ::3, ::3], size=tuple(shape[-2:]), mode="bilinear") * 1.4
    return torch.where(coarse, lumps, noise)


def _cast(x: Tensor, codes: np.ndarray, rng: Rng, share: float) -> None:
    """Tint some pictures, in place, so that no style is known by a tinted ground; grey styles stay grey."""
    rows = np.flatnonzero(~_grey_styles(codes) & (rng.random(len(x)) < share))
    x[rows] *= torch.from_numpy(rng.uniform(0.8, 1, (len(rows), 3, 1, 1)).astype(np.float32))


def disturb(x: Tensor, codes: np.ndarray, rng: Rng) -> Tensor:
    """Mild changes to pictures (N, 3, 64, 64) in [0, 1] that leave style, object and colour what they are."""
    count = len(x)
    flipped = rng.random(count) < 0.5
    x[flipped] = x[flipped].flip(3)
    if len(rows := np.flatnonzero(rng.random(count) < 0.6)):
        x[rows] = _frame(x[rows], rng)
    x = (x - 0.5) * _uniform(rng, count, 0.75, 1.25) + 0.5 + _uniform(rng, count, -0.1, 0.1)
    x = _saturate(x, _uniform(rng, count, 0.75, 1.3))
    _cast(x, codes, rng, 0.35)
    if len(rows := np.flatnonzero(rng.random(count) < 0.25)):
        x[rows] = _soften(x[rows], _uniform(rng, len(rows), 0.2, 1))
    if len(rows := np.flatnonzero(rng.random(count) < 0.3)):
        grain = _grain(rng, x[rows].shape, torch.from_numpy(_grey_styles(codes[rows])))
        x[rows] = x[rows] + grain * _uniform(rng, len(rows), 0.01, 0.1)
    for row in np.flatnonzero(rng.random(count) < 0.12):
        x[row] = _jpeg(x[row], int(rng.integers(25, 90)))
    if len(rows := np.flatnonzero(rng.random(count) < 0.25)):
        cut = x[rows]
        _cut(cut, rng)
        x[rows] = cut
    return x.clamp(0, 1)


def learning_rate(step: int, peak: float, warmup: int, decay_from: int, end: int) -> float:
    """Rise over `warmup` steps, hold, and fall to nothing as a cosine from `decay_from` to `end`."""
    rate = peak * min(1.0, (step + 1) / warmup)
    if step >= decay_from:
        rate *= 0.5 + 0.5 * math.cos(math.pi * min(1.0, (step - decay_from) / max(1, end - decay_from)))
    return rate
