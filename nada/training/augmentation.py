"""Augmentation of what the discriminator sees, real and generated alike, and how strong it is.

Every transform is differentiable in the images and shown to both sides, so that the generator learns the
clean distribution (DiffAugment, Zhao et al. 2020; ADA, Karras et al. 2020). With ADA the probability p of
each transform follows how often the discriminator is sure of the real images.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from nada.training.draw import Draw

SHIFT_FRACTION = 1 / 8
SCALE_DEVIATION = 0.2  # of the binary logarithm; Karras et al. 2020 (arXiv:2006.06676), appendix B
MAXIMUM_PROBABILITY = 0.8


def augment(images: Tensor, probability: float, kinds: tuple[str, ...], draw: Draw) -> Tensor:
    """Transform each of `images (N, 3, H, W)` with the kinds named, each with the probability given.

    Movements (`MOVEMENTS`) are composed and done in one sampling of the picture, whose border is repeated; then come
    the changes of colour, and last what is cut out. Colour leaves [-1, 1] where it must: clamping would cut gradients.
    """
    moved = [kind for kind in MOVEMENTS if kind in kinds]
    if moved:
        images = _move(images, probability, moved, draw)
    for kind, change in CHANGES.items():
        if kind in kinds:
            chosen = draw.uniform(1, 1, 1) < probability
            images = torch.where(chosen, change(images, draw), images)
    return images


def adapt_probability(probability: float, real_signs: float, images: int, target: float, kimg: float) -> float:
    """The next p of ADA: up where the mean sign of the real logits is above the target, else down.

    `images` is how many were seen since the last change and `kimg` how many thousands move p from 0 to 1.
    """
    step = images / (kimg * 1000)
    moved = probability + (step if real_signs > target else -step)
    return min(max(moved, 0.0), MAXIMUM_PROBABILITY)


def _move(images: Tensor, probability: float, kinds: list[str], draw: Draw) -> Tensor:
    """Sample each picture at places that are an affine function of the pixels' own, in coordinates from -1 to 1."""
    matrices = torch.eye(3, device=images.device).expand(len(images), 3, 3)
    for kind in kinds:
        chosen = draw.uniform(1, 1) < probability
        matrices = torch.where(chosen, MOVEMENTS[kind](images, draw), _identity(images)) @ matrices
    whole = all(kind in WHOLE for kind in kinds)
    grid = F.affine_grid(matrices[:, :2], list(images.shape), align_corners=False)
    mode = "nearest" if whole else "bilinear"
    return F.grid_sample(images, grid, mode=mode, padding_mode="border", align_corners=False)


def _identity(images: Tensor) -> Tensor:
    return torch.eye(3, device=images.device)


def _matrix(images: Tensor, rows: list[list[Tensor | float]]) -> Tensor:
    """Matrices `(N, 3, 3)` whose first two rows are numbers or `(N,)` tensors."""
    ones = torch.ones(len(images), device=images.device)
    return torch.stack([torch.stack([ones * one for one in row], dim=1) for row in (*rows, [0.0, 0.0, 1.0])], dim=1)


def _flip(images: Tensor, draw: Draw) -> Tensor:
    sign = 1.0 - 2.0 * (draw.uniform() < 0.5).float()
    return _matrix(images, [[sign, 0.0, 0.0], [0.0, 1.0, 0.0]])


def _shift(images: Tensor, draw: Draw) -> Tensor:
    """By whole pixels, up to an eighth of the side."""
    height, width = images.shape[2:]
    x, y = (draw.integers(-reach, reach + 1) for reach in (int(width * SHIFT_FRACTION), int(height * SHIFT_FRACTION)))
    return _matrix(images, [[1.0, 0.0, x * 2 / width], [0.0, 1.0, y * 2 / height]])


def _quarter_turns(images: Tensor, draw: Draw) -> Tensor:
    turns = draw.integers(0, 4)
    cosine, sine = ((turns + 1) % 2) * (1 - turns), (turns % 2) * (2 - turns)
    return _matrix(images, [[cosine, -sine, 0.0], [sine, cosine, 0.0]])


def _rotate(images: Tensor, draw: Draw) -> Tensor:
    angle = (draw.uniform() * 2 - 1) * math.pi
    return _matrix(images, [[angle.cos(), -angle.sin(), 0.0], [angle.sin(), angle.cos(), 0.0]])


def _scale(images: Tensor, draw: Draw) -> Tensor:
    factor = torch.exp2(draw.normal() * SCALE_DEVIATION)
    return _matrix(images, [[factor, 0.0, 0.0], [0.0, factor, 0.0]])


def _stretch(images: Tensor, draw: Draw) -> Tensor:
    factor = torch.exp2(draw.normal() * SCALE_DEVIATION)
    return _matrix(images, [[factor, 0.0, 0.0], [0.0, 1 / factor, 0.0]])


def _colour(images: Tensor, draw: Draw) -> Tensor:
    """Brightness by up to 0.5, saturation by 0 to 2, contrast by 0.5 to 1.5, as DiffAugment does."""
    brightness, saturation, contrast = (draw.uniform(1, 1, 1) for _ in range(3))
    changed = images + (brightness - 0.5)
    grey = changed.mean(dim=1, keepdim=True)
    changed = grey + (changed - grey) * (saturation * 2)
    mean = changed.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (changed - mean) * (contrast + 0.5)


def _hue(images: Tensor, draw: Draw) -> Tensor:
    """Turn colours about the grey axis by any angle (Rodrigues' formula)."""
    angle = (draw.uniform(1, 1, 1) * 2 - 1) * math.pi
    grey = images.mean(dim=1, keepdim=True)
    across = (images.roll(1, dims=1) - images.roll(-1, dims=1)) / math.sqrt(3.0)
    return grey + (images - grey) * angle.cos() + across * angle.sin()


def _cutout(images: Tensor, draw: Draw) -> Tensor:
    """Set a square of half the side, anywhere, to mid-grey."""
    height, width = images.shape[2:]
    centre_y, centre_x = draw.uniform(1, 1), draw.uniform(1, 1)
    rows = torch.arange(height, device=images.device).view(1, -1, 1)
    columns = torch.arange(width, device=images.device).view(1, 1, -1)
    hidden = (rows - centre_y * height).abs() < height / 4
    hidden = hidden & ((columns - centre_x * width).abs() < width / 4)
    return images.masked_fill(hidden[:, None], 0.0)


Transform = Callable[[Tensor, Draw], Tensor]
# A movement says where a pixel comes from. Those in WHOLE land on pixels, so that nothing is blurred.
MOVEMENTS: dict[str, Transform] = {
    "flip": _flip,
    "turn": _quarter_turns,
    "shift": _shift,
    "scale": _scale,
    "rotate": _rotate,
    "stretch": _stretch,
}
WHOLE = ("flip", "turn", "shift")
CHANGES: dict[str, Transform] = {"colour": _colour, "hue": _hue, "cutout": _cutout}
KINDS = (*MOVEMENTS, *CHANGES)
