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


@dataclass
class TrainingState:
    """Networks, optimisers and counters. `average` is the moving average of the generator's weights.

    There is no RNG state: what step k draws follows from the seed and k alone.
    """

    generator: Generator
    average: Generator
    discriminator: Discriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer
    step: int = 0
    augment_probability: float = 0.0
    real_sign: float = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values, for `torch.save`."""
        return {
            "format": "nada-training",
            "version": 1,
            "step": self.step,
            "augment_probability": self.augment_probability,
            "real_sign": self.real_sign,
            **{name: getattr(self, name).state_dict() for name in _PARTS},
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take over a `state_dict`. Raises NadaError where it is of other networks or of something else."""
        if not isinstance(saved, dict) or saved.get("format") != "nada-training":
            raise NadaError("This checkpoint is not of a training run; resume from another run.")
        try:
            for name in _PARTS:
                getattr(self, name).load_state_dict(saved[name])
        except (RuntimeError, KeyError, ValueError) as error:
            reason = str(error).splitlines()[0].rstrip(":. ")
            raise NadaError(f"This checkpoint is of other networks ({reason}); resume from another run.") from error
        self.step = saved["step"]
        self.augment_probability = saved["augment_probability"]
        self.real_sign = saved["real_sign"]


_PARTS = ("generator", "average", "discriminator", "generator_optimizer", "discriminator_optimizer")


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


def state_of(
    generator: Generator, discriminator: Discriminator, lr: float, device: torch.device
) -> TrainingState:
    """Training of networks as they are; the average starts as a copy of the generator."""
    # NHWC is what fast convolution kernels want, on CPUs with bf16 and on tensor cores alike.
    trained = generator.to(device, memory_format=torch.channels_last).train().requires_grad_(True)
    judge = discriminator.to(device, memory_format=torch.channels_last).train().requires_grad_(True)
    average = copy.deepcopy(trained).eval().requires_grad_(False)
    return TrainingState(trained, average, judge, _adam(trained, lr), _adam(judge, lr))


def _adam(network: nn.Module, lr: float) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=lr, betas=ADAM_BETAS, eps=1e-8)
