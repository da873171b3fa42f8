"""Everything that changes while training, so that saving it and going on equals never having stopped."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from nada.errors import NadaError
from nada.models import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig

ADAM_BETAS = (0.0, 0.99)  # Karras et al. 2018 (arXiv:1710.10196), appendix A.1
_COUNTERS = ("step", "augment_probability", "real_sign", "path_mean")
_NETWORKS = ("generator", "average", "discriminator")
_OPTIMIZERS = ("generator_optimizer", "discriminator_optimizer")


@dataclass
class TrainingState:
    """Networks, optimisers and counters. `average` is the moving average of the generator's weights.

    There is no RNG state: what step k draws follows from the seed and k alone. Nor is there one of schedules: rates
    follow from the step.
    """

    generator: Generator
    average: Generator
    discriminator: Discriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer
    step: int = 0
    augment_probability: float = 0.0
    real_sign: float = 0.0
    path_mean: float = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values, for `torch.save`."""
        return {
            "format": "nada-training",
            "version": 2,
            **{name: getattr(self, name) for name in _COUNTERS},
            **{name: getattr(self, name).state_dict() for name in _NETWORKS},
            **{name: _without_first_moments(getattr(self, name)) for name in _OPTIMIZERS},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take over a `state_dict`. Raises NadaError where it is of other networks or of something else."""
        if not isinstance(saved, dict) or saved.get("format") != "nada-training":
            raise NadaError("This checkpoint is not of a training run; resume from another run.")
        if saved.get("version") != 2:
            raise NadaError("This checkpoint was written by an older version of nada; begin anew with --init RUN.")
        try:
            for name in _NETWORKS:
                getattr(self, name).load_state_dict(saved[name])
            for name in _OPTIMIZERS:
                _load_optimizer(getattr(self, name), saved[name])
            for name in _COUNTERS:
                setattr(self, name, saved[name])
        except (RuntimeError, KeyError, ValueError) as error:
            reason = str(error).splitlines()[0].rstrip(":. ")
            raise NadaError(f"This checkpoint is of other networks ({reason}); resume from another run.") from error


def _without_first_moments(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """An optimiser's state but for the first moments: with beta1 = 0 they are the last gradient, and multiplied by 0."""
    saved = optimizer.state_dict()
    kept = {
        number: {name: value for name, value in moments.items() if name != "exp_avg"}
        for number, moments in saved["state"].items()
    }
    return {**saved, "state": kept}


def _load_optimizer(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    moments = {number: {**some, "exp_avg": torch.zeros_like(some["exp_avg_sq"])} for number, some in saved["state"].items()}
    optimizer.load_state_dict({**saved, "state": moments})


def create_state(
    generator: GeneratorConfig, discriminator: DiscriminatorConfig, lr: float, seed: int, device: torch.device
) -> TrainingState:
    """Fresh networks and Adam optimisers; the weights depend on the seed alone, whatever the device.

    The global torch generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = (Generator(generator), Discriminator(discriminator))
    return state_of(*networks, lr, device)


def state_of(generator: Generator, discriminator: Discriminator, lr: float, device: torch.device) -> TrainingState:
    """Training of networks as they are; the average starts as a copy of the generator."""
    # NHWC is what fast convolution kernels want, on CPUs with bf16 and on tensor cores alike.
    trained = generator.to(device, memory_format=torch.channels_last).train().requires_grad_(True)
    judge = discriminator.to(device, memory_format=torch.channels_last).train().requires_grad_(True)
    average = copy.deepcopy(trained).eval().requires_grad_(False)
    return TrainingState(trained, average, judge, _adam(trained, lr), _adam(judge, lr))


def _adam(network: nn.Module, lr: float) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=lr, betas=ADAM_BETAS, eps=1e-8, fused=True)
