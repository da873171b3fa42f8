"""Random views of a picture for the guide: light, colour, grain, and a small crop.

A small guide is easily pleased with a trick that only works on exactly these pixels; over several views it is
not. All randomness comes from one explicit generator, so that a resumed run continues with the same views.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

BRIGHTNESS = 0.2  # added to all of a picture, in units of the [-1, 1] range
COLOUR = 0.1  # added to each channel
GRAIN = 0.1  # largest standard deviation of the pixel noise
ZOOM = 0.9  # smallest side of the crop, as a part of the picture


class View(NamedTuple):
    """What was drawn for N pictures; apply it to as many copies as shall be seen alike."""

    light: Tensor  # (N, 3, 1, 1), brightness and colour together
    grain: Tensor  # (N, 3, H, W)
    crop: Tensor  # (N, 3), zoom and shift to the right and down: of the output's [-1, 1] square into the picture's


Views = list[tuple[View, View]]  # for the frozen and for the trainable pictures, one pair per view


def _uniform(shape: tuple[int, ...], low: float, high: float, rng: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=rng, device=rng.device) * (high - low) + low


def draw_view(
    shape: Sequence[int],
    rng: torch.Generator,
    device: str | torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> View:
    """Draw a view for pictures of `shape` (N, 3, H, W), on `device` (that of `rng` if none is given).

    It depends on `rng` and the shape only, so it can be drawn before there are pictures.
    """
    count = shape[0]
    brightness = _uniform((count, 1, 1, 1), -BRIGHTNESS, BRIGHTNESS, rng)
    light = brightness + _uniform((count, 3, 1, 1), -COLOUR, COLOUR, rng)
    strength = _uniform((count, 1, 1, 1), 0.0, GRAIN, rng)
    grain = strength * torch.randn(tuple(shape), generator=rng, device=rng.device)
    zoom = _uniform((count,), ZOOM, 1.0, rng)
    shift = _uniform((count, 2), -1.0, 1.0, rng) * (1 - zoom)[:, None]  # the crop never leaves the picture
    crop = torch.cat([zoom[:, None], shift], dim=1)
    return View(*(tensor.to(rng.device if device is None else device, dtype) for tensor in (light, grain, crop)))


def apply_view(images: Tensor, view: View) -> Tensor:
    """`images` (N, 3, H, W) as seen in `view`; same shape, differentiable, not clamped."""
    seen = F.grid_sample(images, _places(view.crop, images.shape), padding_mode="border", align_corners=False)
    return seen + view.light + view.grain


def _places(crop: Tensor, shape: Sequence[int]) -> Tensor:
    """Where every pixel of a crop `(N, 3)` of pictures of `shape` is looked for, `(N, H, W, 2)`, x and y in [-1, 1].

    `F.affine_grid` multiplies matrices for that, which a GPU may do in TF32 here: a tenth of a pixel in 1024.
    """
    height, width = shape[-2:]
    zoom, right, down = crop[:, :, None].unbind(dim=1)
    x, y = zoom * _centres(width, crop) + right, zoom * _centres(height, crop) + down
    return torch.stack([x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], dim=3)


def _centres(count: int, like: Tensor) -> Tensor:
    """The middles of `count` pixels in a row from -1 to 1, in the type and on the device of `like`."""
    return (2 * torch.arange(count, dtype=like.dtype, device=like.device) + 1) / count - 1


def draw_views(
    shape: Sequence[int], count: int, apart: bool, rng: torch.Generator, device: str | torch.device | None = None
) -> Views:
    """Draw `count` views of two batches of `shape` (N, 3, H, W) each, one for both or, with `apart`, one for either."""
    views = []
    for _ in range(count):
        before = draw_view(shape, rng, device)
        views.append((before, draw_view(shape, rng, device) if apart else before))
    return views


def apply_views(frozen: Tensor, trainable: Tensor, views: Views) -> tuple[Tensor, Tensor]:
    """Both batches (N, 3, H, W) as they are seen: a copy per view, one behind the other; as they are without views."""
    if not views:
        return frozen, trainable
    before, after = zip(*views)
    return (
        torch.cat([apply_view(frozen, view) for view in before]),
        torch.cat([apply_view(trainable, view) for view in after]),
    )
