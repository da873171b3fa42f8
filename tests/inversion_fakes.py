"""An inversion without a guide: pictures are compared by their coarse pixels, and a tiny generator is inverted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from fakes import tiny_generator
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from nada.checkpoints import save_generator
from nada.images import from_uint8, save_png
from nada.inversion.settings import Settings
from nada.models import Generator

QUICK = {"steps": 20, "samples": 24, "starts": 2}


class Coarse:
    """A `Perception`: averages of 4x4 fields, a mean over the numbers of a picture."""

    name = "coarse"

    def vectors(self, pictures: Tensor) -> Tensor:
        small = adaptive_avg_pool2d(pictures, 4).flatten(1)
        return small / small.shape[1] ** 0.5

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "sha256": "none"}


def quick(**changes: Any) -> Settings:
    """Settings of a test."""
    return Settings(**{**QUICK, **changes})


def noisy_generator(classes: int = 0, seed: int = 0, resolution: int = 16) -> Generator:
    """A tiny generator whose noise can be seen."""
    generator = tiny_generator(resolution, classes, seed)
    for name, value in generator.named_parameters():
        if name.endswith("noise_strength"):
            value.data.fill_(0.3)
    return generator


def pictures_of(generator: Generator, seeds: range, label: int | None = None) -> Tensor:
    """Known answers `(N, 3, H, W)`."""
    return from_uint8(generator.sample(seeds, classes=label))


def save_photos(folder: Path, generator: Generator, count: int = 2) -> list[Path]:
    """Pictures of the generator as files `photo0.png` and so on."""
    pictures = generator.sample(range(count))
    return [save_png(folder / f"photo{index}.png", picture) for index, picture in enumerate(pictures)]


def saved_generator(folder: Path, classes: int = 2) -> Path:
    """A generator of 16 px in a folder."""
    return save_generator(folder, noisy_generator(classes))


def levels(seed: int, height: int, width: int) -> np.ndarray:
    """A picture of noise, uint8 `(height, width, 3)`."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def brute_autocorrelation(plane: np.ndarray) -> float:
    """`noise_autocorrelation` of one map, pixel by pixel."""
    total, side = 0.0, len(plane)
    while True:
        for down, right in ((1, 0), (0, 1)):
            products = [
                plane[row, column] * plane[(row + down) % side, (column + right) % side]
                for row in range(side)
                for column in range(side)
            ]
            total += max(0.0, abs(float(np.mean(products))) - 2 / side) ** 2
        if side <= 8:
            return total
        side //= 2
        plane = np.array(
            [
                [2 * plane[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean() for column in range(side)]
                for row in range(side)
            ]
        )


def close(a: Tensor, b: Tensor, tolerance: float) -> bool:
    """Whether no number differs by more than `tolerance`."""
    return bool((a - b).abs().max() <= tolerance)


def drifted(before: Generator, after: Generator) -> float:
    """How far other pictures have moved: RMSE of 16 seeds."""
    with torch.no_grad():
        a, b = (from_uint8(one.sample(range(200, 216))) for one in (before, after))
    return float((a - b).square().mean().sqrt())
