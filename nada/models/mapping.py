"""The mapping network, from latents and conditions to styles, and what one does with styles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from nada.models.layers import FullyConnected

LEAST_SPREAD = 1e-3  # of embeddings of length 1; below it they are one text and its rounding


def normalize_second_moment(x: Tensor, epsilon: float = 1e-8) -> Tensor:
    """Scale each row of `(N, D)` to a mean square of 1."""
    return x * (x.square().mean(dim=1, keepdim=True) + epsilon).rsqrt()


class Mapping(nn.Module):
    """Fully connected layers from z and a condition to w (Karras et al. 2018, arXiv:1812.04948, section 2).

    With `z_dim` 0 only the condition is mapped, as in a projection discriminator. `w_avg`, the running mean of w, is
    the centre that truncation pulls towards. `num_prompts` is how many embeddings of text a generator carries with it.
    """

    def __init__(
        self,
        z_dim: int,
        w_dim: int,
        layers: int,
        condition_dim: int = 0,
        lr_multiplier: float = 0.01,
        of_text: bool = False,
        num_prompts: int | None = None,
    ) -> None:
        super().__init__()
        self.z_dim, self.num_layers, self.condition_dim, self.of_text = z_dim, layers, condition_dim, of_text
        width = z_dim
        if condition_dim:
            self.embed = FullyConnected(condition_dim, w_dim)
            width += w_dim
        for index in range(layers):
            setattr(self, f"fc{index}", FullyConnected(width if index == 0 else w_dim, w_dim, "lrelu", lr_multiplier))
        if z_dim:
            self.register_buffer("w_avg", torch.zeros(w_dim))
        if of_text:
            self.register_buffer("text_centre", torch.zeros(condition_dim))
            self.register_buffer("text_spread", torch.ones([]))
        if num_prompts is not None:
            self.register_buffer("prompt_embeddings", torch.zeros(num_prompts, condition_dim))

    def forward(self, z: Tensor | None, rows: Tensor | None = None) -> Tensor:
        """Map `z (N, z_dim)` and conditions `rows (N, condition_dim)` to `(N, w_dim)`."""
        parts = [normalize_second_moment(z.float())] if self.z_dim else []
        if self.condition_dim:
            rows = rows.float()
            if self.of_text:
                rows = (rows - self.text_centre) / self.text_spread
            parts.append(normalize_second_moment(self.embed(rows)))
        x = torch.cat(parts, dim=1)
        for index in range(self.num_layers):
            x = getattr(self, f"fc{index}")(x)
        return x

    @torch.no_grad()
    def standardise_text(self, embeddings: Tensor) -> None:
        """Take centre and spread of the texts to come from `embeddings (N, condition_dim)`, before training starts.

        Captions of one data set lie close together (a cosine of 0.97 where each names a logo), so that networks would
        see all of them as one. Standardised they are as far from one another as classes are.
        """
        centre = embeddings.float().mean(dim=0)
        spread = (embeddings.float() - centre).square().sum(dim=1).mean().sqrt()
        self.text_centre.copy_(centre)
        self.text_spread.copy_(spread if spread > LEAST_SPREAD else 1.0)

    @torch.no_grad()
    def track_average(self, w: Tensor, beta: float = 0.998) -> None:
        """Move `w_avg` towards the mean of `w (N, w_dim)`; for training loops."""
        self.w_avg.lerp_(w.detach().float().mean(dim=0), 1.0 - beta)


def latents_from_seeds(seeds: Iterable[int], z_dim: int) -> Tensor:
    """Return `(len(seeds), z_dim)` latents: seed by seed, NumPy's `RandomState`, so the field's seeds give its pictures.

    A latent depends on its seed alone, never on the batch it is in.
    """
    rows = [np.random.RandomState(seed).randn(z_dim) for seed in seeds]
    return torch.from_numpy(np.stack(rows)).float() if rows else torch.zeros(0, z_dim)


def mix_styles(first: Tensor, second: Tensor, crossover: int) -> Tensor:
    """Return `(N, L, D)` styles: those of `first` before layer `crossover`, those of `second` from it on."""
    return torch.cat([first[:, :crossover], second[:, crossover:]], dim=1)
