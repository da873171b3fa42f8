"""What a training starts from: nothing, or a generator and perhaps a discriminator that there are already."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from nada.checkpoints import load_discriminator, load_generator
from nada.checkpoints.loading import has_discriminator
from nada.config.train import TrainConfig
from nada.errors import NadaError, UsageError
from nada.models import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig, frozen_layers
from nada.training.plan import Plan
from nada.training.state import TrainingState, create_state


@dataclass(frozen=True)
class Initial:
    """Networks to go on from. `note` says what became of the discriminator, for people."""

    generator: Generator
    discriminator: Discriminator | None
    note: str

    @property
    def sizes(self) -> tuple[GeneratorConfig, DiscriminatorConfig | None]:
        """What `make_plan` must know of them."""
        return self.generator.config, None if self.discriminator is None else self.discriminator.config


def load_initial(config: TrainConfig) -> Initial | None:
    """The networks of --init, or None without it.

    Raises:
        NadaError: where the generator cannot be read.
        UsageError: for --freeze-d without a discriminator.
    """
    if config.init is None:
        return None
    generator = load_generator(config.init)
    discriminator, note = _discriminator_beside(config.init, generator)
    if config.freeze_d and discriminator is None:
        raise UsageError(f"--freeze-d keeps what a discriminator has learnt, but {note}.")
    return Initial(generator, discriminator, note)


def _discriminator_beside(spec: str, generator: Generator) -> tuple[Discriminator | None, str]:
    if not has_discriminator(spec):
        return None, f"{spec} has no discriminator; a new one learns from nothing"
    try:
        discriminator = load_discriminator(spec)
    except NadaError as error:
        return None, f"the discriminator of {spec} cannot be read ({str(error).rstrip('.')}); a new one learns from nothing"
    for name in ("resolution", "num_classes", "text_dim"):
        if getattr(discriminator.config, name) != getattr(generator.config, name):
            return None, f"the discriminator of {spec} has another {name}; a new one learns from nothing"
    return discriminator, f"the discriminator of {spec} goes on, too"


def start(plan: Plan, initial: Initial | None = None) -> TrainingState:
    """Networks at step 0: fresh ones by the seed, and over them what --init gives."""
    recipe = plan.recipe
    state = create_state(plan.generator, plan.discriminator, recipe.lr, recipe.seed, plan.device)
    _introduce_captions(plan, state)
    if initial is not None:
        for network in (state.generator, state.average):
            _take_over(network, initial.generator)
        if initial.discriminator is not None:
            _take_over(state.discriminator, initial.discriminator)
    return state


def freezing(plan: Plan, state: TrainingState) -> Plan:
    """The plan with the discriminator's layers that --freeze-d keeps."""
    count = plan.config.freeze_d
    if not count:
        return plan
    return replace(plan, recipe=replace(plan.recipe, frozen=frozen_layers(state.discriminator, count)))


def _take_over(network: torch.nn.Module, given: torch.nn.Module) -> None:
    """Copy every tensor but the prompts, which are those of the new data."""
    values = {name: value for name, value in given.state_dict().items() if name != "mapping.prompt_embeddings"}
    network.load_state_dict({**network.state_dict(), **values})


@torch.no_grad()
def _introduce_captions(plan: Plan, state: TrainingState) -> None:
    """Tell all networks where the captions of the data lie, and the generator some of them by number."""
    captions = plan.material.captions
    if captions is None:
        return
    for network in (state.generator, state.average, state.discriminator):
        network.mapping.standardise_text(torch.from_numpy(captions.embeddings))
    for network in (state.generator, state.average):
        network.mapping.prompt_embeddings.copy_(torch.from_numpy(captions.of(plan.generator.prompts)))
