"""Augmentation of what the discriminator sees, real and generated alike, and how strong it is.

Every transform is differentiable in the images and shown to both sides, so that the generator learns the
clean distribution (DiffAugment, Zhao et al. 2020; ADA, Karras et al. 2020). With ADA the probability p of
each transform follows how often the discriminator is sure of the real images.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

KINDS = ("flip", "shift", "colour", "cutout")
SHIFT_FRACTION = 1 / 8
MAXIMUM_PROBABILITY = 0.8


def augment(images: Tensor, probability: float, kinds: tuple[str, ...], rng: torch.Generator) -> Tensor:
    """Transform each of `images (N, 3, H, W)` with the kinds named, each with the probability given.

    Colour leaves [-1, 1] where it must: clamping would cut gradients. `rng` is a CPU generator; the same state
    gives the same result on every device.
    """
    for kind in kinds:
        chosen = _uniform(images, rng, ()) < probability
        images = _TRANSFORMS[kind](images, chosen, rng)
    return images


def adapt_probability(probability: float, real_signs: float, images: int, target: float, kimg: float) -> float:
    """The next p of ADA: up where the mean sign of the real logits is above the target, else down.

    `images` is how many were seen since the last change and `kimg` how many thousands move p from 0 to 1.
    """
    step = images / (kimg * 1000)
    moved = probability + (step if real_signs > target else -step)
    return min(max(moved, 0.0), MAXIMUM_PROBABILITY)


def _flip(images: Tensor, chosen: Tensor, rng: torch.Generator) -> Tensor:
    mirrored = chosen & (_uniform(images, rng, ()) < 0.5)
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def _shift(images: Tensor, chosen: Tensor, rng: torch.Generator) -> Tensor:
    """Move by whole pixels; the border is repeated, so a plain ground stays plain."""
    reach = int(images.shape[-1] * SHIFT_FRACTION)
    if reach == 0:
        return images
    offsets = torch.randint(-reach, reach + 1, (len(images), 2), generator=rng)
    offsets = (offsets * chosen.cpu()[:, None] + reach).tolist()
    padded = F.pad(images, [reach] * 4, mode="replicate")
    height, width = images.shape[2:]
    return torch.stack([image[:, y:y + height, x:x + width] for image, (y, x) in zip(padded, offsets)])


def _colour(images: Tensor, chosen: Tensor, rng: torch.Generator) -> Tensor:
    """Brightness by up to 0.5, saturation by 0 to 2, contrast by 0.5 to 1.5, as DiffAugment does."""
    brightness, saturation, contrast = (_uniform(images, rng, (1, 1, 1)) for _ in range(3))
    changed = images + (brightness - 0.5)
    grey = changed.mean(dim=1, keepdim=True)
    changed = grey + (changed - grey) * (saturation * 2)
    mean = changed.mean(dim=(1, 2, 3), keepdim=True)
    changed = mean + (changed - mean) * (contrast + 0.5)
    return torch.where(chosen[:, None, None, None], changed, images)


def _cutout(images: Tensor, chosen: Tensor, rng: torch.Generator) -> Tensor:
    """Set a square of half the side, anywhere, to mid-grey."""
    height, width = images.shape[2:]
    centre_y, centre_x = (_uniform(images, rng, (1, 1)) for _ in range(2))
    rows = torch.arange(height, device=images.device).view(1, -1, 1)
    columns = torch.arange(width, device=images.device).view(1, 1, -1)
    hidden = (rows - centre_y * height).abs() < height / 4
    hidden = hidden & ((columns - centre_x * width).abs() < width / 4)
    return images.masked_fill((hidden & chosen[:, None, None])[:, None], 0.0)


def _uniform(images: Tensor, rng: torch.Generator, trailing: tuple[int, ...]) -> Tensor:
    return torch.rand((len(images), *trailing), generator=rng).to(images.device)


_TRANSFORMS = {"flip": _flip, "shift": _shift, "colour": _colour, "cutout": _cutout}
