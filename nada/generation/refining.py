"""Moving a picture's latent in W until a guide sees more of a prompt in it.

Patashnik et al. 2021, "StyleCLIP" (arXiv:2103.17249), section 4: the distance to the prompt plus the squared way from the
start. Unlike there, one vector is added to all layers' styles, which leaves fewer ways to please the guide with a pattern,
and the guide sees several random views of the picture at each step, so that it is not won with exactly these pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nada.clip.augment import apply_view, draw_view
from nada.generation.blocks import noise_maps, styles_of
from nada.generation.painter import Painter
from nada.generation.recipe import Recipe
from nada.generation.scoring import Scorer
from nada.models import Noise

VIEWS = 4
RATE = 0.1  # of Adam, in units of the spread of styles
STAY = 0.05  # weight of the squared way from the start, in the same units
_SPREAD_OF = 256  # latents


class Refined(NamedTuple):
    """`offset (w_dim,)` is what to add to every style; `losses` has the guide's part of each step."""

    offset: Tensor
    losses: list[float]


def refine(
    painter: Painter, recipe: Recipe, scorer: Scorer, steps: int = 100, on_step: Callable[[float], None] | None = None
) -> Refined:
    """Move one picture towards the scorer's prompt; the same call gives the same offset.

    Args:
        on_step: told the guide's loss after each step.
    """
    rng = torch.Generator().manual_seed(recipe.seed)
    with painter.computing(recipe, gradients=True) as generator:
        start = painter.styles([recipe])
        noise: Noise = noise_maps(generator, [recipe.seed], 1) if recipe.noise == "random" else recipe.noise
        spread = _spread(painter, recipe)
        moved = torch.zeros(start.shape[2], device=start.device, requires_grad=True)  # in units of the spread
        optimiser = torch.optim.Adam([moved], lr=RATE)
        losses: list[float] = []
        for _ in range(steps):
            image = generator.synthesize(start + spread * moved, noise)
            away = 1 - _seen(image, scorer, rng).mean()
            (moved.grad,) = torch.autograd.grad(away + STAY * moved.square().mean(), [moved])
            optimiser.step()
            losses.append(float(away.detach()))
            if on_step is not None:
                on_step(losses[-1])
    return Refined((spread * moved).detach(), losses)


def _seen(image: Tensor, scorer: Scorer, rng: torch.Generator) -> Tensor:
    """Scores of random views of one picture `(1, C, H, W)`."""
    images = image.expand(VIEWS, 3, -1, -1)
    return scorer.scores(scorer.encoder.encode_image(apply_view(images, draw_view(images.shape, rng, images.device))))


@torch.no_grad()
def _spread(painter: Painter, recipe: Recipe) -> Tensor:
    """The deviation of styles of the recipe's condition from their mean, over latents and dimensions; 0-d."""
    with painter.computing(recipe) as generator:
        labels = painter.conditions.rows([recipe.condition])
        labels = None if labels is None else labels.expand(_SPREAD_OF, -1)
        styles = styles_of(generator, range(_SPREAD_OF), labels)[:, 0]
    return (styles - styles.mean(dim=0)).square().mean().sqrt()
