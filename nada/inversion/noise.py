"""Noise maps that are fitted with the styles, and what keeps them noise (Karras et al. 2020, arXiv:1912.04958, D)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from nada.models import Generator

LEAST = 8  # px: maps are not looked at smaller than this


def stored_maps(generator: Generator, count: int) -> dict[str, Tensor]:
    """Copies of the generator's own maps, `(count, 1, s, s)`, keyed as `Generator.make_noise` does."""
    return {
        f"{block}.{name}": layer.noise_const.expand(count, 1, -1, -1).clone()
        for block in generator.block_names
        for name, layer in getattr(generator, block).layers.items()
    }


def noise_autocorrelation(maps: Mapping[str, Tensor]) -> Tensor:
    """How far maps `(N, 1, s, s)` are from white noise: `(N,)`, 0 for such.

    At every scale down to 8 px the squared mean product of neighbours, to the right and below, wrapped around. From one
    scale to the next 2x2 pixels are averaged and multiplied by 2, which keeps white noise at variance 1.
    """
    total = torch.zeros((), device=next(iter(maps.values())).device)
    for scale in maps.values():
        while True:
            for axis in (2, 3):
                total = total + (scale * scale.roll(1, dims=axis)).mean(dim=(1, 2, 3)).square()
            if scale.shape[-1] <= LEAST:
                break
            scale = 2 * avg_pool2d(scale, 2)
    return total


@torch.no_grad()
def renormalise(maps: Mapping[str, Tensor]) -> None:
    """Bring each map `(N, 1, s, s)` back to mean 0 and variance 1, in place."""
    for single in maps.values():
        single -= single.mean(dim=(1, 2, 3), keepdim=True)
        single /= single.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(1e-8)
