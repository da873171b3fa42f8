"""How pictures are brought to Inception's 299 pixels: the four conventions by which published numbers differ.

Whoever compares an FID with a published one must use the convention of that one; between two of them the same
pictures differ by more than many a claimed improvement (Parmar et al. 2022, arXiv:2104.11222).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from nada.errors import UsageError

Prepare = Callable[[Tensor, int], Tensor]  # pixels (N, 3, H, W) in [0, 255], side -> what the network sees
TF_RANGE = "(x - 128) / 128"


@dataclass(frozen=True)
class Convention:
    """One way from pixels to what the network sees, and the facts of it that a record needs."""

    name: str
    filter: str
    antialias: bool
    pixel_centres: str  # which point of the source an output pixel i stands for
    value_range: str
    prepare: Prepare

    def describe(self) -> dict[str, Any]:
        return {
            "resize": self.name,
            "filter": self.filter,
            "antialias": self.antialias,
            "pixel_centres": self.pixel_centres,
            "range": self.value_range,
        }


def _tf_range(pixels: Tensor) -> Tensor:
    return (pixels - 128) / 128


def legacy_bilinear(pixels: Tensor, size: int) -> Tensor:
    """Bilinear as TensorFlow 1 has it: output pixel i lies at i * in / out, so the picture moves up and to the left.

    Neither filter is widened when shrinking, and the last rows repeat the last pixel.
    """
    return _interpolate(_interpolate(pixels, 3, size), 2, size)


def _interpolate(pixels: Tensor, dim: int, size: int) -> Tensor:
    length = pixels.shape[dim]
    places = torch.arange(size, dtype=torch.float32, device=pixels.device)
    # The product is rounded to float32 before it is floored, as TensorFlow rounds it.
    places = places * torch.tensor(length / size, dtype=torch.float32, device=pixels.device)
    low = places.long()
    share = (places - low).view(-1, *[1] * (pixels.ndim - 1 - dim))
    first = pixels.index_select(dim, low)
    return first + (pixels.index_select(dim, (low + 1).clamp_max(length - 1)) - first) * share


def clean_bicubic(pixels: Tensor, size: int) -> Tensor:
    """Pillow's antialiased bicubic on float pictures, a channel at a time, clipped but not rounded: clean-fid's way."""
    planes = [_pillow_bicubic(plane, size) for plane in pixels.flatten(0, 1).cpu().numpy()]
    small = torch.from_numpy(np.stack(planes)).to(pixels.device)
    return small.view(*pixels.shape[:2], size, size).clamp(0, 255)


def _pillow_bicubic(plane: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(plane).resize((size, size), Image.Resampling.BICUBIC))


def _bilinear(pixels: Tensor, size: int, antialias: bool = False) -> Tensor:
    return functional.interpolate(pixels, (size, size), mode="bilinear", align_corners=False, antialias=antialias)


_HALF, _CORNER = "(i + 1/2) * in / out - 1/2", "i * in / out"
CONVENTIONS = {
    item.name: item
    for item in (
        # TTUR's original code, NVIDIA's StyleGAN 2 and 3, torch-fidelity, torchmetrics before 1.8.
        Convention("legacy", "bilinear", False, _CORNER, TF_RANGE, lambda x, size: _tf_range(legacy_bilinear(x, size))),
        Convention(
            "pytorch-fid", "bilinear", False, _HALF, "2 x / 255 - 1", lambda x, size: 2 * _bilinear(x / 255, size) - 1
        ),
        Convention("clean", "bicubic", True, _HALF, TF_RANGE, lambda x, size: _tf_range(clean_bicubic(x, size))),
        # torchmetrics since 1.8, by default.
        Convention("torchmetrics", "bilinear", True, _HALF, TF_RANGE, lambda x, size: _tf_range(_bilinear(x, size, True))),
    )
}


def find_convention(name: str) -> Convention:
    """Return the convention of that name. Raises UsageError with all names."""
    if name not in CONVENTIONS:
        raise UsageError(f"There is no resize convention '{name}'; choose from {', '.join(CONVENTIONS)}.")
    return CONVENTIONS[name]
