"""Noise maps that are fitted with the styles, and what keeps them noise (Karras et al. 2020, arXiv:1912.04958, D)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from nada.models import Generator

LEAST = 8  # px: maps are not looked at smaller than this
CHANCE = 2  # standard deviations within which the correlation of white noise lies


def stored_maps(generator: Generator, count: int) -> dict[str, Tensor]:
    """Copies of the generator's own maps, `(count, 1, s, s)`, keyed as `Generator.make_noise` does."""
    return {
        f"{block}.{name}": layer.noise_const.expand(count, 1, -1, -1).clone()
        for block in generator.block_names
        for name, layer in getattr(generator, block).layers.items()
    }


def noise_autocorrelation(maps: Mapping[str, Tensor]) -> Tensor:
    """How far maps `(N, 1, s, s)` are from white noise: `(N,)`, 0 for such.

    At every scale down to 8 px the mean product of neighbours, to the right and below, wrapped around. From one scale to
    the next 2x2 pixels are averaged and multiplied by 2, which keeps white noise at variance 1. Of white noise of n
    pixels it is off 0 by 1/sqrt(n) by chance; what is beyond twice that is squared. Without this the stored maps, which
    are a draw like any other, would be driven away from a picture that was made with them.
    """
    total = torch.zeros((), device=next(iter(maps.values())).device)
    for scale in maps.values():
        while True:
            for axis in (2, 3):
                product = (scale * scale.roll(1, dims=axis)).mean(dim=(1, 2, 3))
                total = total + (product.abs() - CHANCE / scale.shape[-1]).clamp_min(0).square()
            if scale.shape[-1] <= LEAST:
                break
            scale = 2 * avg_pool2d(scale, 2)
    return total


@torch.no_grad()
def renormalise(maps: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> None:
    """Bring each map `(N, 1, s, s)` back to the mean and variance of the stored one `(1, 1, s, s)`, in place."""
    for name, single in maps.items():
        variance, mean = torch.var_mean(stored[name], correction=0)
        single -= single.mean(dim=(1, 2, 3), keepdim=True)
        single *= variance.sqrt() / single.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(1e-8)
        single += mean
