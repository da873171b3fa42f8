"""Target pictures: a folder, a file or arrays, as the other way to say where to go."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nada import images as pictures
from nada.clip.encoders import Encoder
from nada.clip.losses import unit
from nada.errors import NadaError

TargetImages = str | Path | Sequence[np.ndarray]


def load_targets(source: TargetImages) -> list[np.ndarray]:
    """The target pictures as uint8 (H, W, 3) arrays, in the order of their names.

    `source` is a folder in which every file that is not hidden must be a picture, or a path, or arrays.
    Raises NadaError for a path that does not exist, an empty folder, or a file that is not a picture.
    """
    if not isinstance(source, (str, Path)):
        arrays = list(source)
    else:
        path = Path(source)
        if not path.exists():
            raise NadaError(f"The target pictures {path} do not exist; give a folder of pictures, or one.")
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        arrays = [pictures.load_image(file) for file in files if not file.name.startswith(".")]
    if not arrays:
        raise NadaError(f"There are no target pictures in {source}; put at least one there.")
    return arrays


def hash_targets(arrays: Sequence[np.ndarray]) -> str:
    """sha256 over the pictures' sizes and pixels, for the record of a run."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@torch.no_grad()
def mean_embedding(encoder: Encoder, images: Sequence[np.ndarray] | Tensor, batch: int = 16) -> Tensor:
    """Mean embedding (D,), not normalised, of uint8 arrays of any sizes or of (N, 3, H, W) in [-1, 1]."""
    if isinstance(images, Tensor):
        parts = [encoder.encode_image(part) for part in images.split(batch)]
    else:  # one at a time: their sizes differ
        parts = [encoder.encode_image(pictures.from_uint8(array)) for array in images]
    return torch.cat(parts).mean(dim=0)


def image_direction(source: Tensor, target: Tensor) -> Tensor:
    """norm(target - source) of two mean embeddings (D,). Raises NadaError where they are equal."""
    difference = target - source
    if not torch.linalg.vector_norm(difference) > 1e-6:
        raise NadaError("To the guide the target pictures look like the generator's own; use other ones.")
    return unit(difference)
