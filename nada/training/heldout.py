"""What is trained on and what is measured against: mirror images, and pictures that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from nada.data import ImageDataset
from nada.data.holding import digest_of, is_held_out
from nada.errors import NadaError


@dataclass(frozen=True)
class Mirrored(ImageDataset):
    """Pictures and, behind them, their mirror images, which are made when they are asked for."""

    def __len__(self) -> int:
        return 2 * len(self.images)

    def batch(self, indices: np.ndarray) -> tuple[Tensor, Tensor | None]:
        """Like ImageDataset's; indices behind the last picture are mirror images, from the first picture on."""
        count = len(self.images)
        pictures, given = super().batch(indices % count)
        turned = torch.from_numpy(indices >= count)[:, None, None, None]
        return torch.where(turned, pictures.flip(3), pictures), given


def with_mirror_images(data: ImageDataset) -> Mirrored:
    """Twice as many pictures; labels are repeated, conditions are looked up."""
    labels = None if data.labels is None else np.concatenate([data.labels, data.labels])
    return Mirrored(**{**vars(data), "labels": labels})


def take(data: ImageDataset, indices: Sequence[int] | np.ndarray) -> ImageDataset:
    """Some pictures of `data` with their labels, captions and conditions."""
    chosen = np.asarray(indices, dtype=np.int64)
    return replace(
        data,
        images=data.images[chosen],
        labels=None if data.labels is None else data.labels[chosen],
        texts=None if data.texts is None else tuple(data.texts[index] for index in chosen),
        conditions=None if data.conditions is None else data.conditions[chosen],
    )


def split_off(data: ImageDataset, share: float) -> tuple[ImageDataset, ImageDataset]:
    """Training and held-out pictures, as `is_held_out` tells them apart.

    Raises NadaError where one side would be empty.
    """
    held_out = np.array([is_held_out(image, share) for image in data.images])
    parts = take(data, np.flatnonzero(~held_out)), take(data, np.flatnonzero(held_out))
    if not all(len(part) for part in parts):
        raise NadaError(f"--holdout {share:g} of {len(data)} pictures leaves none on one side; choose another share.")
    return parts


def without(data: ImageDataset, held_out: ImageDataset) -> ImageDataset:
    """`data` less every picture that is held out. Raises NadaError where none is left."""
    hidden = set(_digests(held_out))
    left = take(data, [index for index, digest in enumerate(_digests(data)) if digest not in hidden])
    if not len(left):
        raise NadaError("--holdout-glob fits every picture, so none is left to train on; give another pattern.")
    return left


def with_classes_of(held_out: ImageDataset, data: ImageDataset) -> ImageDataset:
    """Held-out pictures with the class numbers that `data` has. Raises NadaError for a class that is not there."""
    if held_out.labels is None or data.labels is None:
        return replace(held_out, labels=None, class_names=())
    missing = sorted(set(held_out.class_names) - set(data.class_names))
    if missing:
        raise NadaError(f"The held-out pictures have a class that the others do not: {missing[0]}.")
    numbers = np.array([data.class_names.index(name) for name in held_out.class_names])
    return replace(held_out, labels=numbers[held_out.labels], class_names=data.class_names)


def _digests(data: ImageDataset) -> list[bytes]:
    return [digest_of(image) for image in data.images]
