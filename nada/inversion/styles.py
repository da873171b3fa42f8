"""Where the styles of a generator lie: their mean, and coordinates in which they are as good as standard normal.

The last leaky ReLU of the mapping is undone, and principal components are scaled to variance 1 (Zhu et al. 2020,
"Improved StyleGAN Embedding: Where are the Good Latents?", arXiv:2012.09036). There "near the mean" has a meaning.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nada.models import Generator

SLOPE = 0.2  # of the mapping's leaky ReLU
_SAMPLES, _LEAST_SAMPLES = 4096, 256  # in all, and of each condition
_MOST_CONDITIONS = 64
_CENTRE_SAMPLES = 1024
_NONE = -1  # stands for the number of a condition where there are none
_LEAST_VARIANCE = 1e-3  # of the mean one: directions in which styles hardly vary are not stretched beyond this


class Styles:
    """Whitened coordinates `p` of styles `w`, about the mean of a condition.

    The covariance is that within conditions, over all of them: one matrix serves every picture.

    Args:
        generator: whose mapping is sampled; of a conditional one up to 64 conditions.
        seed: of the samples.
    """

    @torch.no_grad()
    def __init__(self, generator: Generator, seed: int = 0) -> None:
        self._generator, self._seed = generator, seed
        self._centres: dict[int, Tensor] = {}
        count = generator.config.num_conditions
        numbers = range(0, count, -(-count // _MOST_CONDITIONS)) if count else [_NONE]
        around = []
        for number in numbers:
            v = self._sampled(number, max(_LEAST_SAMPLES, _SAMPLES // len(numbers)))
            around.append(v - v.mean(dim=0))
        variances, axes = torch.linalg.eigh(torch.cat(around).double().t().cov())
        deviations = variances.clamp_min(_LEAST_VARIANCE * float(variances.mean())).sqrt()
        self._to = (axes * deviations).t().float()
        self._from = (axes / deviations).float()

    def _sampled(self, number: int, count: int) -> Tensor:
        device = self._generator.b4.const.device
        rng = torch.Generator().manual_seed(self._seed)
        z = torch.randn(count, self._generator.config.z_dim, generator=rng).to(device)
        labels = None if number == _NONE else torch.full((count,), number, device=device)
        rows = self._generator.condition_rows(labels, count)
        return _before_activation(self._generator.mapping(z, rows))

    @torch.no_grad()
    def centres(self, labels: Tensor | None, count: int) -> Tensor:
        """The mean of each picture's condition before the activation: `(count, 1, w_dim)`."""
        numbers = [_NONE] * count if labels is None else labels.tolist()
        for number in set(numbers) - set(self._centres):
            self._centres[number] = self._sampled(number, _CENTRE_SAMPLES).mean(dim=0)
        return torch.stack([self._centres[number] for number in numbers])[:, None]

    def whiten(self, w: Tensor, centres: Tensor) -> Tensor:
        """Styles `(N, L, w_dim)` to coordinates of the same shape."""
        return (_before_activation(w) - centres) @ self._from

    def unwhiten(self, p: Tensor, centres: Tensor) -> Tensor:
        """Coordinates `(N, L, w_dim)` to styles of the same shape, differentiably."""
        return torch.nn.functional.leaky_relu(p @ self._to + centres, SLOPE)


def _before_activation(w: Tensor) -> Tensor:
    return torch.where(w < 0, w / SLOPE, w)
