"""How near a reconstruction is to its photograph, in numbers."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from nada.features import GuideFeatures
from nada.images import from_uint8, to_uint8
from nada.inversion.perception import Perception


class Errors(NamedTuple):
    """Of one picture.

    Attributes:
        pixel_rmse: root of the mean squared difference of values in [-1, 1]; 2/255 of it is one level of 8 bits.
        perceptual: the distance that was minimised, between pictures of 8 bits.
        judge_cosine: of the embeddings by a guide that had no part in it; 1 for pictures that it sees as one.
    """

    pixel_rmse: float
    perceptual: float
    judge_cosine: float


@torch.no_grad()
def measure_errors(made: Tensor, pictures: Tensor, perception: Perception, judge: GuideFeatures) -> list[Errors]:
    """Compare pictures `(N, 3, H, W)` in [-1, 1] by index, as they are once they are rounded to 8 bits."""
    levels, wanted = to_uint8(made), to_uint8(pictures)
    seen, real = from_uint8(levels).to(made.device), from_uint8(wanted).to(made.device)
    pixel = (seen - real).square().mean(dim=(1, 2, 3)).sqrt()
    distance = (perception.vectors(seen) - perception.vectors(real)).square().sum(dim=1)
    cosine = (judge.features(levels) * judge.features(wanted)).sum(axis=1)
    return [Errors(*map(float, row)) for row in zip(pixel, distance, cosine)]
