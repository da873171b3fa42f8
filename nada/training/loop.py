"""The training loop of StyleGAN2 (Karras et al. 2019, arXiv:1912.04958), as a page.

It neither prints nor saves nor chooses a device; the caller's `on_step` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from nada.data import ImageDataset
from nada.errors import NadaError
from nada.losses import discriminator_loss, generator_loss, r1_penalty
from nada.models import Generator, mix_styles
from nada.training.augmentation import adapt_probability, augment
from nada.training.state import TrainingState

AUGMENT_POLICIES = ("ada", "diff", "none")
ADA_TARGET = 0.6  # Karras et al. 2020 (arXiv:2006.06676), section 3.1
SIGN_MEMORY = 0.95  # of the running mean of real signs; their 4 large batches are about 20 small ones
W_AVERAGE_MEMORY = 0.998
EMA_RAMP = 0.05  # the average reaches back over at most this share of the pictures seen so far


@dataclass(frozen=True)
class Recipe:
    """How to train. `gamma` weighs R1; `ema_kimg` is the half-life of the average, `ada_kimg` the time of p from 0 to 1."""

    batch: int = 16
    gamma: float = 0.1
    r1_interval: int = 16
    ema_kimg: float = 5.0
    mixing: float = 0.0
    augment: str = "ada"
    augment_kinds: tuple[str, ...] = ("flip", "shift", "colour", "cutout")
    ada_kimg: float = 100.0
    bf16: bool = False
    seed: int = 0


class TrainingDiverged(NadaError):
    """A loss or gradient is no longer a number; the networks are as they were before that update."""

    def __init__(self, step: int, what: str) -> None:
        super().__init__(
            f"{what} is not a finite number at step {step}; the last saved state is kept: "
            "lower --lr or raise --gamma, and use --precision fp32 if it was bf16."
        )
        self.step = step


def train(
    state: TrainingState,
    data: ImageDataset,
    recipe: Recipe,
    steps: int,
    on_step: Callable[[TrainingState, dict[str, float]], bool] | None = None,
) -> TrainingState:
    """Go on until `state.step` is `steps`, or until `on_step(state, scalars)` returns True after a step.

    On a CPU the same state, data and recipe give the same bytes, however often the loop is left and entered again.
    Raises TrainingDiverged before an update with a loss or gradient that is not finite.
    """
    while state.step < steps:
        scalars = train_step(state, data, recipe)
        if on_step is not None and on_step(state, scalars):
            break
    return state


def train_step(state: TrainingState, data: ImageDataset, recipe: Recipe) -> dict[str, float]:
    """One update of both networks and of the average; returns what there is to plot."""
    device = state.generator.b4.const.device
    rng = step_rng(recipe.seed, state.step)
    indices = data.order(state.step * recipe.batch, recipe.batch, recipe.seed)
    if data.labels is not None:
        indices = indices[group_by_class(data.labels[indices], state.discriminator.config.mbstd_group)]
    real, labels = (None if part is None else part.to(device) for part in data.batch(indices))
    fake, scalars = _update_generator(state, labels, recipe, rng)
    scalars |= _update_discriminator(state, real, fake, labels, recipe, rng)
    state.step += 1
    seen = state.step * recipe.batch
    update_average(state.average, state.generator, average_memory(recipe.batch, recipe.ema_kimg, seen))
    if recipe.augment == "ada":
        state.real_sign = SIGN_MEMORY * state.real_sign + (1 - SIGN_MEMORY) * scalars["real/sign"]
        state.augment_probability = adapt_probability(
            state.augment_probability, state.real_sign, recipe.batch, ADA_TARGET, recipe.ada_kimg
        )
        scalars["augment/probability"] = state.augment_probability
    return scalars


def group_by_class(labels: np.ndarray, group: int) -> np.ndarray:
    """An order of `labels (N,)` in which the groups of the minibatch standard deviation hold one class, or few.

    The groups take every (N / group)-th sample. Where they mix classes, the difference between the classes hides
    whether the pictures of one class differ at all, and a class collapses unseen. The published code does not do this.
    """
    order = np.argsort(labels, kind="stable")
    if len(labels) % group:
        return order
    return order.reshape(-1, group).T.reshape(-1)


def step_rng(seed: int, step: int) -> torch.Generator:
    """A CPU generator for everything that one step draws, independent of all other steps."""
    mixed = np.random.SeedSequence([seed, step]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(mixed[0]) << 31 | int(mixed[1]) >> 1)


def average_memory(batch: int, ema_kimg: float, seen: int) -> float:
    """What share of the average survives a step: half after `ema_kimg` thousand pictures, less in the beginning."""
    half_life = min(ema_kimg * 1000, EMA_RAMP * seen)
    return 0.5 ** (batch / max(half_life, 1e-8))


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, memory: float) -> None:
    """Move the parameters of `average` towards those of `network`; buffers (w_avg, noise) are copied."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - memory)
    for target, source in zip(average.buffers(), network.buffers(), strict=True):
        target.copy_(source)


def _update_generator(
    state: TrainingState, labels: Tensor | None, recipe: Recipe, rng: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """One step of the generator; also returns its pictures, which the discriminator's step uses again.

    The published code draws new ones there; reusing them saves a forward pass and changes only that the
    discriminator sees pictures of one update ago. They take the classes of the real batch.
    """
    state.discriminator.requires_grad_(False)
    with _autocast(recipe, state):
        fake = _generate(state.generator, recipe, labels, rng)
        shown = _augment(fake, state, recipe, rng)
        loss = generator_loss(state.discriminator(shown, labels).float())
    norm = _apply(state.generator_optimizer, loss, state.step, "The generator's loss")
    state.discriminator.requires_grad_(True)
    return fake.detach(), {"loss/generator": loss.item(), "gradient/generator": norm}


def _update_discriminator(
    state: TrainingState,
    real: Tensor,
    fake: Tensor,
    labels: Tensor | None,
    recipe: Recipe,
    rng: torch.Generator,
) -> dict[str, float]:
    real, fake = _augment(real, state, recipe, rng), _augment(fake, state, recipe, rng)
    with _autocast(recipe, state):
        # Two passes, since minibatch statistics must not mix real and generated pictures.
        real_logits = state.discriminator(real, labels).float()
        fake_logits = state.discriminator(fake, labels).float()
    loss = discriminator_loss(real_logits, fake_logits)
    scalars = {"loss/discriminator": loss.item()}
    if recipe.gamma and state.step % recipe.r1_interval == 0:
        # Lazy regularisation: every 16th step, 16 times as strong (section 3.1). It joins the step's own gradient,
        # so unlike with separate steps the optimiser's settings need no correction. Always in fp32.
        shown = real.detach().float().requires_grad_(True)
        penalty = r1_penalty(state.discriminator(shown, labels), shown)
        loss = loss + penalty * (recipe.gamma / 2 * recipe.r1_interval)
        scalars["loss/r1"] = penalty.item()
    scalars["gradient/discriminator"] = _apply(
        state.discriminator_optimizer, loss, state.step, "The discriminator's loss"
    )
    scalars["real/logit"], scalars["fake/logit"] = real_logits.mean().item(), fake_logits.mean().item()
    scalars["real/sign"] = real_logits.detach().sign().mean().item()
    return scalars


def _generate(generator: Generator, recipe: Recipe, labels: Tensor | None, rng: torch.Generator) -> Tensor:
    device, count = generator.b4.const.device, recipe.batch
    z = torch.randn(2, count, generator.config.z_dim, generator=rng).to(device)
    w = generator.map_latents(z[0], labels)
    generator.mapping.track_average(w[:, 0], W_AVERAGE_MEMORY)
    if recipe.mixing and torch.rand((), generator=rng) < recipe.mixing:
        crossover = int(torch.randint(1, generator.num_ws, (), generator=rng))
        w = mix_styles(w, generator.map_latents(z[1], labels), crossover)
    return generator.synthesize(w, generator.make_noise(count, rng))


def _augment(images: Tensor, state: TrainingState, recipe: Recipe, rng: torch.Generator) -> Tensor:
    if recipe.augment == "none":
        return images
    probability = 1.0 if recipe.augment == "diff" else state.augment_probability
    images = augment(images, probability, recipe.augment_kinds, rng)
    return images.contiguous(memory_format=torch.channels_last)


def _apply(optimizer: torch.optim.Optimizer, loss: Tensor, step: int, what: str) -> float:
    """Backward and update; returns the gradient norm. Nothing is updated when the loss or the norm is not finite."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    parameters = (p for group in optimizer.param_groups for p in group["params"] if p.grad is not None)
    norm = torch.stack(torch._foreach_norm([p.grad for p in parameters])).norm().item()
    if not (np.isfinite(loss.item()) and np.isfinite(norm)):
        raise TrainingDiverged(step + 1, what)
    optimizer.step()
    return norm


def _autocast(recipe: Recipe, state: TrainingState) -> torch.autocast:
    device = state.generator.b4.const.device
    return torch.autocast(device.type, torch.bfloat16, enabled=recipe.bf16)
