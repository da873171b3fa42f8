"""From options to everything an adaptation needs: networks, guide, judge, settings, and the record of them."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nada import ops
from nada.adaptation.api import make_settings
from nada.adaptation.precision import choose_precision
from nada.adaptation.settings import Settings, check_numbers, resolve
from nada.checkpoints import hash_generator, load_generator
from nada.checkpoints.specs import absolute_spec
from nada.clip import Guide
from nada.config import to_json
from nada.config.adapt import AdaptConfig
from nada.errors import UsageError
from nada.models import Generator, GeneratorConfig
from nada.models.conditions import class_number
from nada.runs import describe_environment, pick_device
from nada.selection import Selection, select_parameters

BUNDLED_GUIDE, BUNDLED_JUDGE = "demo", "demo-judge"


@dataclass(frozen=True)
class Plan:
    """What a run is made of. `judge` is None where nothing held out can look."""

    config: AdaptConfig
    generator: Generator
    generator_sha256: str
    guide: Guide
    judge: Guide | None
    settings: Settings
    selection: Selection
    device: torch.device

    @property
    def parameters(self) -> int:
        """How many numbers may move."""
        sizes = dict(self.generator.named_parameters())
        return sum(sizes[name].numel() for name in self.selection.names)

    @property
    def stops(self) -> bool:
        """Whether the judge may end the run and choose the weights; the published code has nothing of the kind."""
        asked = self.config.stop
        return self.judge is not None and (self.config.method == "nada" if asked is None else asked)

    def in_precision(self, precision: str) -> Plan:
        """Return the same plan with the generator computed in another type."""
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, precision=precision))

    def headline(self) -> str:
        """Return one line for people: generator, guide, device, kernels, what moves."""
        config = self.generator.config
        size = ", ".join(filter(None, (f"{config.resolution} px", config.describe_conditions())))
        judge = f", judge {self.judge.names[0]}" if self.judge else ""
        return (
            f"generator {self.config.generator} ({size}), guide {' + '.join(self.guide.names)}"
            f"{judge}, {self.device} {self.settings.precision}, {ops.describe(self.device.type)}, "
            f"{self.settings.layers}: {self.parameters:,} parameters, lr {self.settings.lr:.2g}"
        )

    def describe(self) -> dict[str, Any]:
        """Return the whole record for `config.json`: options, resolved settings, inputs by hash, versions."""
        return {
            "command": "adapt",
            "options": to_json(dataclasses.replace(self.config, resume=None)),
            "settings": dataclasses.asdict(self.settings),
            "generator": self.config.generator,
            "generator_sha256": self.generator_sha256,
            "generator_config": self.generator.config.to_dict(),
            "selected": list(self.selection.names),
            "parameters": self.parameters,
            "guide": self.guide.describe(),
            "judge": self.judge.describe() if self.judge else None,
            "environment": describe_environment(),
        }


def make_plan(config: AdaptConfig) -> Plan:
    """Load what `config` names and settle every default.

    Raises:
        UsageError: for options that make no sense together.
        NadaError: for generators, guides or pictures that cannot be had.
    """
    if config.target is None and config.target_images is None:
        raise UsageError('Say where to go: --source "image" --target "minimal logo", or --target-images DIR.')
    if (config.source is None) != (config.target is None):
        raise UsageError("--source and --target belong together: a direction in words has two ends.")
    for name in ("sample_every", "checkpoint_every"):
        if getattr(config, name) < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(config, name)}.")
    device = pick_device(config.device)
    images = config.target_images and str(Path(config.target_images).resolve())
    config = dataclasses.replace(config, generator=absolute_spec(config.generator), target_images=images)
    generator = load_generator(config.generator)
    settings = resolve(_settings(config, generator.config, device), generator.config)
    selection = select_parameters(generator, settings.layers)
    guide = _guide(config, device)
    judge = _judge(config, guide, device)
    sha256 = hash_generator(generator)
    return Plan(config, generator.to(device), sha256, guide, judge, settings, selection, device)


def _settings(config: AdaptConfig, network: GeneratorConfig, device: torch.device) -> Settings:
    auto = config.precision == "auto"
    values: dict[str, object] = {
        "precision": choose_precision(device, config.method) if auto else config.precision,
        "accumulate": config.accumulate,
        "checkpointing": config.checkpointing,
        "graph": config.graph,
        "seed": config.seed,
        "mixing": config.mixing,
        "ema": config.ema,
        "classes": tuple(class_number(network, name) for name in config.classes),
        "layers": config.layers,
        "steps": config.steps,
        "batch": config.batch,
        "lr": config.lr,
        "noise": config.noise,
    }
    check_numbers(values, "--")  # here, and not only in the settings, which Python's callers name without dashes
    return make_settings(config.method, {name: value for name, value in values.items() if value is not None})


def _guide(config: AdaptConfig, device: torch.device) -> Guide:
    """The published code resizes without antialiasing, leaves out one template, and has no floor and no views."""
    published = config.method == "official"
    augment = config.augment or ("none" if published else DEFAULT_AUGMENT)
    return Guide(
        list(config.clip),
        config.source,
        config.target,
        target_images=config.target_images,
        text_weight=config.text_weight,
        image_weight=config.image_weight,
        device=device,
        filter=config.resize or ("bicubic" if published else None),
        antialias=False if published and config.antialias is None else config.antialias,
        views=config.views if augment != "none" else 1,
        augment=augment,
        projection_weight=config.hinge if config.hinge is not None else (0.0 if published else DEFAULT_HINGE),
        **({"edit_floor": 1e-8, "templates": "official"} if published else {}),
    )


def _judge(config: AdaptConfig, guide: Guide, device: torch.device) -> Guide | None:
    spec = config.judge
    if spec == "auto":
        spec = BUNDLED_JUDGE if set(guide.names) == {BUNDLED_GUIDE} else "none"
    if spec == "none":
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # words that it does not know: the guide has said so already
        return Guide([spec], config.source, config.target, target_images=config.target_images, device=device)


# Chosen by pictures and judge, see experiments/demo/ADAPTATION.md.
DEFAULT_AUGMENT = "shared"
DEFAULT_HINGE = 0.0
