"""What a worker times: the adaptation step and the generator forward and backward, ours and the plain twin's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import workload
from plain import PlainGenerator, PlainStep
from torch import Tensor

from nada import ops
from nada.adaptation import Settings
from nada.adaptation.loop import Adaptation
from nada.adaptation.precision import allow_fast_matmuls, choose_precision, compute_in
from nada.models import Generator
from nada.selection import select_parameters
from nada.training.loop import train_step


class Task(NamedTuple):
    """What a worker is asked for, as JSON on its command line. `settings` goes to nada's `Settings` as it is."""

    variant: str
    size: int
    batch: int = 4
    layers: str = "late:2"
    steps: int = 3
    warmup: int = 2
    quick: bool = False
    device: str = "cpu"
    parts: tuple[str, ...] = ("step", "generator")
    settings: dict[str, Any] = {}


class Job(NamedTuple):
    """Something to call again and again, and what is worth knowing about it."""

    call: Callable[[], object]
    facts: dict[str, Any]


def make_job(task: Task, part: str) -> Job:
    """Return the `step`, the `generator` or the `training` of a variant, ready to call."""
    if task.variant == "fast" and task.device.startswith("cuda"):
        allow_fast_matmuls()  # as our commands do
    if part == "training":
        return _training(task)
    config = workload.network(task.size, task.quick)
    generator = workload.build_generator(config, task.device)
    if task.variant.startswith("plain"):
        twin = PlainGenerator.like(generator)
        return (_plain_step if part == "step" else _plain_both_ways)(task, twin, generator)
    return (_step if part == "step" else _both_ways)(task, generator)


def _precision(task: Task) -> str:
    return "fp32" if task.variant == "reference" else choose_precision(torch.device(task.device))


def _step(task: Task, generator: Generator) -> Job:
    loaded = workload.load_guide_model(task.quick)
    guide = workload.build_guide(loaded, task.quick, task.device)
    settings = Settings(layers=task.layers, batch=task.batch, precision=_precision(task), **task.settings)
    adaptation = Adaptation(generator, guide, settings)
    facts = {"precision": settings.precision, "kernels": ops.describe()}
    return Job(lambda: adaptation.advance().loss, facts)


def _both_ways(task: Task, generator: Generator) -> Job:
    z = _latents(task, generator.config.z_dim)
    precision = _precision(task)

    def call() -> None:
        generator.zero_grad(set_to_none=True)
        with generator.computing(compute_in(precision)):
            generator(z, noise="random").square().mean().backward()

    return Job(call, {"precision": precision, "kernels": ops.describe()})


def _training(task: Task) -> Job:
    """The plain variant differs in kernels, type, memory order and allocator only: that step is no other network."""
    plain = task.variant.startswith("plain")
    precision = "fp32" if plain else _precision(task)
    state, data, recipe = workload.training(task.batch, precision, task.quick, task.device, plain)

    def call() -> None:
        for _ in range(recipe.r1_interval):
            train_step(state, data, recipe)

    return Job(call, {"precision": precision, "kernels": ops.describe()})


def _plain_step(task: Task, twin: PlainGenerator, generator: Generator) -> Job:
    loaded = workload.load_guide_model(task.quick)
    names = select_parameters(generator, task.layers).names
    direction = workload.direction_of(loaded, task.device)
    step = PlainStep(twin, names, workload.plain_encoder(loaded, task.device), direction)
    z_dim = generator.config.z_dim
    return Job(lambda: step.advance(_latents(task, z_dim)), {"precision": "fp32", "kernels": "torch kernels"})


def _plain_both_ways(task: Task, twin: PlainGenerator, generator: Generator) -> Job:
    z = _latents(task, generator.config.z_dim)

    def call() -> None:
        twin.zero_grad(set_to_none=True)
        twin(z).square().mean().backward()

    return Job(call, {"precision": "fp32", "kernels": "torch kernels"})


def _latents(task: Task, z_dim: int) -> Tensor:
    return torch.randn(task.batch, z_dim, device=task.device)
