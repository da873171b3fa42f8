"""Pivotal tuning: the generator is moved a little so that it shows one picture truly, and little else changes.

Roich et al. 2021, "Pivotal Tuning for Latent-based Editing of Real Images", arXiv:2106.05744. The styles that an
inversion found, the pivot, stay; the synthesis network is trained on that one picture, and a regulariser keeps what it
makes of styles near the pivot as it was.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from nada.errors import NadaError, UsageError
from nada.inversion.perception import Perception
from nada.inversion.starts import as_colour
from nada.models import Generator, GeneratorConfig, Noise

PUBLISHED_LR, PUBLISHED_WIDTH = 3e-4, 512
LOCALITY = 0.1  # weight of the regulariser, as published
REACH = 0.5  # how far from the pivot it looks, as a share of the way to a random style


@dataclass(frozen=True)
class Tuning:
    """How a generator is tuned.

    Attributes:
        steps: of Adam, one picture and one random style each.
        lr: None takes 0.0003, as published, for blocks 512 wide, and one over the width for narrower ones.
        locality: weight of the regulariser; 0 for none.
        pixels: weight of the mean squared difference of pixels beside the perceptual distance.
        seed: of the random styles.
    """

    steps: int = 100
    lr: float | None = None
    locality: float = LOCALITY
    pixels: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise UsageError for what makes no sense."""
        if self.steps < 1 or self.locality < 0 or (self.lr is not None and not self.lr > 0):
            raise UsageError(f"A tuning has steps and a learning rate above 0 and a locality of 0 or more: {self}.")

    def rate(self, config: GeneratorConfig) -> float:
        """The learning rate for a generator of this width."""
        if self.lr is not None:
            return self.lr
        return PUBLISHED_LR * PUBLISHED_WIDTH / min(max(config.channels), PUBLISHED_WIDTH)


def tune(
    generator: Generator,
    w: Tensor,
    picture: Tensor,
    perception: Perception,
    tuning: Tuning = Tuning(),
    *,
    noise: dict[str, Tensor] | None = None,
    label: int | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> dict[str, Tensor]:
    """Return the tensors of `generator` after tuning it to show `picture (1, 3, H, W)` for `w (1, num_ws, w_dim)`.

    All of the synthesis network moves but the strength of its noise; `generator` itself stays as it is, and
    `nada.models.with_weights` puts the tensors into a copy.

    Args:
        noise: maps `(1, 1, s, s)` of the inversion; None for the stored ones.
        label: number of the condition whose pictures are kept as they were; None for all of them in turn.
        on_step: called with the step and the loss.

    Raises:
        NadaError: if the loss stops being a number; a smaller learning rate helps.
    """
    tuned = copy.deepcopy(generator).requires_grad_(False)
    tuned.compute = generator.compute
    moving = {name: value for name, value in tuned.named_parameters() if _moves(name)}
    for value in moving.values():
        value.requires_grad_(True)
    adam = torch.optim.Adam(moving.values(), lr=tuning.rate(generator.config))
    wanted = perception.vectors(picture).detach()
    rng = torch.Generator().manual_seed(tuning.seed)
    maps: Noise = "const" if noise is None else noise
    for step in range(1, tuning.steps + 1):
        loss = _distance(tuned.synthesize(w, maps), picture, wanted, perception, tuning.pixels)
        if tuning.locality:
            near = _near(generator, w, step, label, rng)
            with torch.no_grad():
                before = as_colour(generator.synthesize(near))
                seen = perception.vectors(before)
            loss = loss + tuning.locality * _distance(tuned.synthesize(near), before, seen, perception, tuning.pixels)
        if not bool(torch.isfinite(loss)):
            raise NadaError(f"The loss of the tuning is no number in step {step}; try a smaller --tune-lr.")
        adam.zero_grad()
        loss.backward()
        adam.step()
        if on_step is not None:
            on_step(step, float(loss.detach()))
    return {name: value.detach() for name, value in moving.items()}


def _moves(name: str) -> bool:
    return not name.startswith("mapping.") and not name.endswith("noise_strength")


def _distance(made: Tensor, picture: Tensor, wanted: Tensor, perception: Perception, pixels: float) -> Tensor:
    """Perceptual distance and pixels of one picture `(1, C, H, W)`, 0-d."""
    made = as_colour(made)
    return (perception.vectors(made) - wanted).square().sum() + pixels * (made - picture).square().mean()


@torch.no_grad()
def _near(generator: Generator, w: Tensor, step: int, label: int | None, rng: torch.Generator) -> Tensor:
    """A style between the pivot and a random one `(1, num_ws, w_dim)`."""
    z = torch.randn(1, generator.config.z_dim, generator=rng).to(w.device)
    number = label if label is not None else step % max(generator.config.num_conditions, 1)
    labels = torch.tensor([number], device=w.device) if generator.config.num_conditions else None
    return w.lerp(generator.map_latents(z, labels), REACH)
