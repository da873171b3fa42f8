"""The two updates of a training step: the generator's and the discriminator's."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nada.errors import NadaError
from nada.losses import discriminator_loss, generator_loss, gradient_penalty, path_lengths, r1_penalty
from nada.models import Compute, Discriminator, mix_styles
from nada.processes import Share
from nada.training.augmentation import augment
from nada.training.draw import Draw
from nada.training.recipe import Recipe
from nada.training.state import TrainingState

W_AVERAGE_MEMORY = 0.998
PATH_MEAN_MEMORY = 0.99
EXACT = Compute(torch.float32, channels_last=True)

Scalars = dict[str, Tensor]


class TrainingDiverged(NadaError):
    """A loss or gradient is no longer a number; the networks are as they were before that update."""

    def __init__(self, step: int, what: str) -> None:
        super().__init__(
            f"{what} is not a finite number at step {step}; the last saved state is kept: "
            "lower --lr or raise --gamma, and use --precision fp32 if it was bf16."
        )
        self.step = step


class Pass(NamedTuple):
    """What every update of a step is given."""

    state: TrainingState
    recipe: Recipe
    share: Share
    draw: Draw


def update_generator(given: Pass, labels: Tensor | None, regularise: bool) -> tuple[Tensor, Scalars]:
    """One update of the generator; also returns its pictures `(N, 3, H, W)`, without their gradients.

    `labels` are the conditions of this process's samples; `regularise` adds the penalty on path lengths.
    """
    state, recipe = given.state, given.recipe
    fake, w = draw_pictures(given, labels)
    with constant(state.discriminator):
        with state.discriminator.computing(recipe.compute):
            logits = state.discriminator(_shown(fake, given), labels)
        loss = generator_loss(logits, recipe.loss)
        scalars = {"loss/generator": loss.detach()}
        if regularise:
            # Lazy regularisation (arXiv:1912.04958, 3.1): every few steps, so many times as strong. It joins the step's
            # own gradient, so unlike with separate steps the optimiser's settings need no correction.
            penalty = path_penalty(given, labels)
            loss = loss + penalty * (recipe.path_length * recipe.path_interval)
            scalars["loss/path_length"] = penalty.detach()
        scalars["gradient/generator"] = apply(state.generator_optimizer, loss, given, "The generator's loss")
    track_styles(given, w)
    return fake.detach(), scalars


def update_discriminator(given: Pass, real: Tensor, fake: Tensor, labels: Tensor | None, regularise: bool) -> Scalars:
    """One update of the discriminator on real and generated pictures `(N, 3, H, W)` of the same conditions.

    `regularise` adds R1.
    """
    state, recipe = given.state, given.recipe
    judge = state.discriminator
    real, fake = _shown(real, given), _shown(fake, given)
    with constant(judge, recipe.frozen):
        loss, scalars = _verdict(given, real, fake, labels, regularise)
        scalars["gradient/discriminator"] = apply(state.discriminator_optimizer, loss, given, "The discriminator's loss")
    return scalars


def _verdict(given: Pass, real: Tensor, fake: Tensor, labels: Tensor | None, regularise: bool) -> tuple[Tensor, Scalars]:
    """The discriminator's loss with its penalties, and what there is to plot of it."""
    recipe, judge = given.recipe, given.state.discriminator
    with judge.computing(recipe.compute):
        real_logits, fake_logits = judge_both(judge, real, fake, labels)
    loss = discriminator_loss(real_logits, fake_logits, recipe.loss, recipe.label_smoothing)
    scalars = {
        "loss/discriminator": loss.detach(),
        "real/logit": real_logits.detach().mean(),
        "fake/logit": fake_logits.detach().mean(),
        "real/sign": real_logits.detach().sign().mean(),
    }
    with judge.computing(EXACT):  # penalties are about gradients of gradients; 16 bits are too few for that
        if recipe.gamma and regularise:
            # At the pictures as they are shown; ADA's code differentiates through the augmentation as well, which needs
            # its second derivative and bounds nothing else that the discriminator ever sees.
            shown = real.detach().float().requires_grad_(True)
            penalty = r1_penalty(judge(shown, labels), shown)
            loss = loss + penalty * (recipe.gamma / 2 * recipe.r1_interval)
            scalars["loss/r1"] = penalty.detach()
        if recipe.loss == "wgan-gp":
            penalty = gradient_penalty(lambda x: judge(x, labels), real, fake, given.draw.uniform(1, 1, 1))
            loss = loss + penalty * recipe.gradient_penalty
            scalars["loss/gradient_penalty"] = penalty.detach()
    return loss, scalars


@contextmanager
def constant(network: nn.Module, names: Collection[str] | None = None) -> Iterator[None]:
    """Inside, the parameters that are named, by default all, get no gradients, and none are computed for them."""
    held = [parameter for name, parameter in network.named_parameters() if names is None or name in names]
    for parameter in held:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in held:
            parameter.requires_grad_(True)


def draw_pictures(given: Pass, labels: Tensor | None) -> tuple[Tensor, Tensor]:
    """New pictures of the generator, and their styles; with the recipe's probability two styles are mixed."""
    generator, draw = given.state.generator, given.draw
    w = generator.map_latents(draw.normal(generator.config.z_dim), labels)
    first = w[:, 0]
    if given.recipe.mixing and draw.chance() < given.recipe.mixing:
        crossover = draw.choice(1, generator.num_ws)
        w = mix_styles(w, generator.map_latents(draw.normal(generator.config.z_dim), labels), crossover)
    with generator.computing(given.recipe.compute):
        return generator.synthesize(w, draw.noise(generator)), first


def track_styles(given: Pass, w: Tensor) -> None:
    """Move the running mean of the styles, the centre of truncation, by those of all processes."""
    mean = w.detach().float().mean(dim=0, keepdim=True)
    given.share.average_([mean])
    given.state.generator.mapping.track_average(mean, W_AVERAGE_MEMORY)


def path_penalty(given: Pass, labels: Tensor | None) -> Tensor:
    """Mean squared difference of path lengths from their running mean, on half of the batch; moves the running mean."""
    state, draw, generator = given.state, given.draw, given.state.generator
    half, weight = draw.first_half()
    z, noise = draw.normal(generator.config.z_dim)[half], draw.noise(generator)
    w = generator.map_latents(z, None if labels is None else labels[half])
    with generator.computing(EXACT):
        images = generator.synthesize(w, {name: maps[half] for name, maps in noise.items()})
    lengths = path_lengths(images, w, draw.normal(*images.shape[1:])[half])
    mean = lengths.detach().mean() * weight
    given.share.average_([mean])
    state.path_mean += (1 - PATH_MEAN_MEMORY) * (mean.item() - state.path_mean)
    return (lengths - state.path_mean).square().mean() * weight


def judge_both(judge: Discriminator, real: Tensor, fake: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
    """Logits of real and of generated pictures, in one pass where the minibatch statistics allow it.

    Those take every (N / group)-th sample into one group, and no group may hold both kinds. So the two are interleaved by
    the `group` parts of a batch; a batch that does not divide so takes two passes.
    """
    group = judge.config.mbstd_group
    if len(real) % group:
        return judge(real, labels), judge(fake, labels)

    def interleave(first: Tensor, second: Tensor) -> Tensor:
        parts = [part.reshape(group, -1, *part.shape[1:]) for part in (first, second)]
        return torch.cat(parts, dim=1).flatten(0, 1)

    both = interleave(real, fake).contiguous(memory_format=torch.channels_last)
    logits = judge(both, None if labels is None else interleave(labels, labels))
    first, second = logits.reshape(group, 2, -1, 1).unbind(dim=1)
    return first.reshape(-1, 1), second.reshape(-1, 1)


def apply(optimizer: torch.optim.Optimizer, loss: Tensor, given: Pass, what: str) -> Tensor:
    """Backward and update; returns the gradient norm before any clipping.

    Raises TrainingDiverged, and updates nothing, where the loss or the norm is not finite in any process.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    parameters = (parameter for group in optimizer.param_groups for parameter in group["params"])
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    seen = loss.detach().clone()
    given.share.average_([*gradients, seen])
    norm = torch.nn.utils.get_total_norm(gradients)
    if not math.isfinite((norm + seen).item()):
        raise TrainingDiverged(given.state.step + 1, what)
    if given.recipe.clip_norm:
        torch._foreach_mul_(gradients, torch.clamp(given.recipe.clip_norm / (norm + 1e-12), max=1.0))
    optimizer.step()
    return norm


def _shown(images: Tensor, given: Pass) -> Tensor:
    """Pictures as the discriminator sees them."""
    policy = given.recipe.augment
    if policy == "none":
        return images
    probability = 1.0 if policy == "diff" else given.state.augment_probability
    if probability == 0.0:
        return images
    images = augment(images, probability, given.recipe.augment_kinds, given.draw)
    return images.contiguous(memory_format=torch.channels_last)
