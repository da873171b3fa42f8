"""What all extractors share: which pictures they take, how many at once, and what they say of themselves."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nada.errors import NadaError


class Extractor(ABC):
    """Turns pictures into features.

    Attributes:
        name: as a record calls it, such as "inception" or "ViT-B-32/openai".
        tag: the same as part of a score's name: letters, digits and underscores.
        width: how many numbers a picture becomes.
        size: the side in pixels that the network sees.
        device: where the network is.
        at_once: how many pictures are in the network at the same time, however many are given.
    """

    at_once = 32

    def __init__(self, name: str, tag: str, width: int, size: int, device: str | torch.device) -> None:
        self.name, self.tag, self.width, self.size = name, tag, width, size
        self.device = torch.device(device)

    @property
    def distance_name(self) -> str:
        """How a Fréchet distance on these features is called: `fd_<tag>`. Only `InceptionFeatures` may say FID."""
        return f"fd_{self.tag}"

    def features(self, images: Any) -> np.ndarray:
        """Features of uint8 pictures `(N, H, W, 3)`: float32 `(N, width)`; no picture's depend on the others.

        Raises NadaError for another shape or type, and where a feature is NaN or infinite.
        """
        with computing():
            parts = [self._embed(pixels).float().cpu() for pixels in self._batches(images)]
        return self._checked(torch.cat(parts) if parts else torch.empty(0, self.width))

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """All that is needed to tell these features from others, JSON-able."""

    @abstractmethod
    def _embed(self, pixels: Tensor) -> Tensor:
        """Pixels `(n, 3, H, W)`, float32 in [0, 255], to features `(n, width)`."""

    def _batches(self, images: Any) -> Iterator[Tensor]:
        """The pictures on the device, a few at a time."""
        images = _checked_pictures(images)
        for start in range(0, len(images), self.at_once):
            part = torch.from_numpy(images[start : start + self.at_once].copy()).to(self.device)
            yield part.permute(0, 3, 1, 2).float().contiguous()

    def _checked(self, features: Tensor) -> np.ndarray:
        array = features.numpy()
        finite = np.isfinite(array).all(axis=1)
        if not finite.all():
            raise NadaError(
                f"{self.name} gives NaN or infinite features for picture {int(np.argmin(finite))}; "
                "its weights are damaged, or too large for this arithmetic."
            )
        return array


@contextmanager
def computing() -> Iterator[None]:
    """Autograd off, whole float32 instead of TF32, whose 10 bits move an FID, and the same sums each time."""
    cudnn = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad(), cudnn:
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def _checked_pictures(images: Any) -> np.ndarray:
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or 0 in images.shape[1:]:
        raise NadaError(f"Features need pictures as uint8 (N, H, W, 3), not {images.dtype} {images.shape}.")
    return images


def tag_of(name: str) -> str:
    """A name as part of a score's name: 'ViT-B-32/openai' -> 'vit_b_32_openai'."""
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
