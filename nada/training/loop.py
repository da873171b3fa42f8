"""The training loop of StyleGAN2 (Karras et al. 2019, arXiv:1912.04958), as a page.

It neither prints nor saves nor chooses a device; the caller's `on_step` does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from nada.data import ImageDataset
from nada.models import Generator
from nada.models.discriminator import group_size
from nada.processes import Share
from nada.training.augmentation import adapt_probability
from nada.training.draw import Draw
from nada.training.recipe import Recipe, average_memory, rate_factor
from nada.training.state import TrainingState
from nada.training.update import Pass, Scalars, draw_pictures, update_discriminator, update_generator

ADA_TARGET = 0.6  # Karras et al. 2020 (arXiv:2006.06676), section 3.1
SIGN_MEMORY = 0.95  # of the running mean of real signs; their 4 large batches are about 20 small ones


def train(
    state: TrainingState,
    data: ImageDataset,
    recipe: Recipe,
    steps: int,
    on_step: Callable[[TrainingState, dict[str, float]], bool] | None = None,
    share: Share = Share(),
) -> TrainingState:
    """Go on until `state.step` is `steps`, or until `on_step(state, scalars)` returns True after a step.

    On a CPU the same state, data and recipe give the same bytes, however often the loop is left and entered again.
    Raises TrainingDiverged before an update with a loss or gradient that is not finite.
    """
    while state.step < steps:
        scalars = train_step(state, data, recipe, share)
        if on_step is not None and on_step(state, scalars):
            break
    return state


def train_step(state: TrainingState, data: ImageDataset, recipe: Recipe, share: Share = Share()) -> dict[str, float]:
    """One step: the updates of both networks, of the average and of the augmentation; returns what there is to plot."""
    generator = state.generator
    group = group_size(recipe.batch, state.discriminator.config.mbstd_group)
    rows = share.rows(recipe.batch, group)
    given = Pass(state, recipe, share, Draw(recipe.seed, state.step, recipe.batch, generator.b4.const.device, rows))
    factor = rate_factor(recipe, (state.step + 0.5) * recipe.batch)
    _set_rate(state.generator_optimizer, recipe.lr * factor)
    _set_rate(state.discriminator_optimizer, (recipe.lr if recipe.d_lr is None else recipe.d_lr) * factor)
    numbers = range(state.step * recipe.d_steps, (state.step + 1) * recipe.d_steps)
    batches = [_real_batch(data, recipe, number, rows, group, generator) for number in numbers]
    scalars: Scalars = {}
    for update in range(recipe.g_steps):
        regularise = bool(recipe.path_length) and update == 0 and state.step % recipe.path_interval == 0
        fake, found = update_generator(given, batches[0][1], regularise)
        scalars |= found
    for update, (real, labels) in enumerate(batches):
        if recipe.fresh_batch or update:
            with torch.no_grad():
                fake, _ = draw_pictures(given, labels)
        scalars |= update_discriminator(given, real, fake, labels, update == 0 and state.step % recipe.r1_interval == 0)
    state.step += 1
    update_average(state.average, generator, average_memory(recipe, state.step * recipe.batch))
    plotted = _to_floats(scalars, share) | {"lr": recipe.lr * factor}
    return plotted | _adapt_augmentation(state, recipe, plotted["real/sign"])


def group_by_class(labels: np.ndarray, group: int) -> np.ndarray:
    """An order of `labels (N,)` in which the groups of the minibatch standard deviation hold one class, or few.

    The groups take every (N / group)-th sample; `group` divides N. Where they mix classes, the difference between the classes
    hides whether the pictures of one class differ at all, and a class collapses unseen. The published code does not do this.
    """
    return np.argsort(labels, kind="stable").reshape(-1, group).T.reshape(-1)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, memory: float) -> None:
    """Move the parameters of `average` towards those of `network`; buffers (w_avg, noise) are copied."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - memory)
    torch._foreach_copy_(list(average.buffers()), list(network.buffers()))


def _real_batch(
    data: ImageDataset, recipe: Recipe, number: int, rows: Tensor, group: int, generator: Generator
) -> tuple[Tensor, Tensor | None]:
    """This process's pictures of a batch, and rows `(N, condition_dim)` of their conditions if there are any."""
    indices = data.order(number * recipe.batch, recipe.batch, recipe.seed)
    if data.labels is not None:
        indices = indices[group_by_class(data.labels[indices], group)]
    real, labels = data.batch(indices[rows.numpy()])
    # Class numbers are checked while they are on the CPU; a GPU would have to be waited for, in every pass.
    conditions = generator.condition_rows(labels, len(real))
    device = generator.b4.const.device
    real = real.to(device, memory_format=torch.channels_last)
    return real, None if conditions is None else conditions.to(device)


def _adapt_augmentation(state: TrainingState, recipe: Recipe, real_sign: float) -> dict[str, float]:
    if recipe.augment != "ada":
        return {}
    state.real_sign = SIGN_MEMORY * state.real_sign + (1 - SIGN_MEMORY) * real_sign
    state.augment_probability = adapt_probability(
        state.augment_probability, state.real_sign, recipe.batch, ADA_TARGET, recipe.ada_kimg
    )
    return {"augment/probability": state.augment_probability}


def _set_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr


def _to_floats(scalars: Scalars, share: Share) -> dict[str, float]:
    """Means over the processes, fetched from the device in one go."""
    values = torch.stack([value.float() for value in scalars.values()])
    share.average_([values])
    return dict(zip(scalars, values.tolist()))
