"""What an adaptation does, as plain values: two methods, their defaults, and the rule for the learning rate."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nada.errors import UsageError
from nada.models import GeneratorConfig

PUBLISHED_LR = 0.0016  # 0.002 * 4/5, for generators 512 channels wide
PUBLISHED_WIDTH = 512
BETAS = (0.0, 0.99**0.8)  # Adam's (0, 0.99) under the published code's lazy-regularisation correction of 4/5


@dataclass(frozen=True)
class Settings:
    """Everything the loop reads. None stands for a value that depends on the generator, see `resolve`.

    Attributes:
        layers: policy of `nada.selection`.
        noise: "shared" gives both copies the same per-layer noise, "independent" one draw each.
        mixing: probability of a step with style mixing.
        paired: one crossover for both copies; False lets each draw its own, as the published code does.
        classes: numbers of the classes or known prompts to draw, uniformly; empty for all.
        ema: decay of an average of the moving weights that becomes the result; 0 for none.
        idle_decay: Adam also steps layers that were not chosen, with zero gradients (torch 1.x, which the published
            code pins). With beta1 = 0 nothing moves, but their second moments decay.
        auto_batch: latents that an adaptive policy scores layers with.
        precision: "fp32", "bf16" or "fp16" for the generator; guides always see fp32.
        accumulate: how many parts a batch is computed in, one behind the other; only the memory that it needs changes.
        checkpointing: compute the trainable blocks again in the backward pass instead of keeping their feature maps.
        graph: on a CUDA device, capture the step as one graph where it always runs the same operations.
    """

    layers: str | None = None
    steps: int | None = None
    batch: int | None = None
    lr: float | None = None
    seed: int = 0
    noise: str = "shared"
    mixing: float = 0.0
    paired: bool = True
    classes: tuple[int, ...] = ()
    ema: float = 0.0
    idle_decay: bool = False
    auto_batch: int = 8
    precision: str = "fp32"
    accumulate: int = 1
    checkpointing: bool = False
    graph: bool = True

    def __post_init__(self) -> None:
        if self.noise not in ("shared", "independent"):
            raise UsageError(f"Noise between the copies is shared or independent, not {self.noise!r}.")
        if self.precision not in ("fp32", "bf16", "fp16"):
            raise UsageError(f"Unknown precision {self.precision!r}; choose fp32, bf16 or fp16.")
        check_numbers(vars(self))


def check_numbers(values: Mapping[str, Any], flag: str = "") -> None:
    """Raise UsageError for a number out of range; what is not given or None depends on the generator and passes.

    `flag` stands before a setting's name in messages: `--` for who gave it as an option.
    """
    for name in ("steps", "batch", "lr", "auto_batch", "accumulate"):
        value = values.get(name)
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"{flag}{name} must be a positive number, not {value}.")
    if not 0 <= values.get("mixing", 0.0) <= 1:
        raise UsageError(f"{flag}mixing is a probability from 0 to 1, not {values['mixing']}.")
    if not 0 <= values.get("ema", 0.0) < 1:
        raise UsageError(f"{flag}ema is a decay from 0 to below 1, not {values['ema']}.")


def published_settings(**changes: object) -> Settings:
    """Return the settings of the published code (rinongal/StyleGAN-nada), with its documented batch and length."""
    return dataclasses.replace(Settings(noise="independent", paired=False, idle_decay=True), **changes)


def default_learning_rate(config: GeneratorConfig) -> float:
    """Return a learning rate for Adam that also suits generators narrower than the published ones.

    A rule of thumb with two ends: 0.0016, as published, where the widest block has 512 channels, and one over the width
    below, which is 0.0085 for the bundled ones (96). For one of 128 channels, at 0.0064, twice as much went little farther
    and kept less of the object (experiments/demo/ADAPTATION.md). Narrow nets need more: a coherent step of Adam changes an
    output in proportion to lr times the root of the fan-in.
    """
    return PUBLISHED_LR * PUBLISHED_WIDTH / min(max(config.channels), PUBLISHED_WIDTH)


def resolve(settings: Settings, config: GeneratorConfig) -> Settings:
    """Fill in what depends on the method and the generator.

    The published code's documented runs use batch 2 and about 300 steps, and its notebook trains two thirds of the
    layers, chosen in every step.

    Raises:
        UsageError: if the batch has fewer pictures than it shall be computed in parts.
    """
    published = not settings.paired
    num_ws = 2 * len(config.channels)
    defaults = {
        "layers": f"auto-official:{2 * num_ws // 3}" if published else "late:2",
        "steps": 300 if published else 200,
        "batch": 2 if published else 8,
        "lr": PUBLISHED_LR if published else default_learning_rate(config),
    }
    missing = {name: value for name, value in defaults.items() if getattr(settings, name) is None}
    settings = dataclasses.replace(settings, **missing)
    if settings.accumulate > settings.batch:
        raise UsageError(f"A batch of {settings.batch} cannot be computed in {settings.accumulate} parts.")
    return settings
