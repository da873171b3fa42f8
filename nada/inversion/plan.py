"""From options and paths to everything an inversion needs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nada import ops
from nada.checkpoints import hash_generator, load_generator
from nada.checkpoints.specs import absolute_spec
from nada.config.invert import InvertConfig
from nada.data.folder import list_files
from nada.data.records import is_picture
from nada.errors import NadaError, UsageError
from nada.features import GuideFeatures, load_features
from nada.images import from_uint8
from nada.inversion.perception import Perception, load_perception
from nada.inversion.photos import Framing, Photos, read_photos
from nada.inversion.settings import Settings
from nada.inversion.through import Route, load_routes
from nada.inversion.tuning import Tuning
from nada.models import Generator
from nada.models.conditions import class_number
from nada.precision import DTYPES, compute_exactly, gradient_precision
from nada.runs import pick_device

_MOST_AT_ONCE = 4
_PIXELS = 1024  # photographs times side: one of 1024 px at a time, two of 512 px
JUDGES = ("demo-judge", "demo")


@dataclass(frozen=True)
class Plan:
    """What an inversion is made of. `classes` has the number of every photograph that could be read, None to find it."""

    config: InvertConfig
    generator: Generator
    sha256: str
    photos: Photos
    classes: tuple[int | None, ...]
    perception: Perception
    judge: GuideFeatures
    settings: Settings
    tuning: Tuning | None
    routes: tuple[Route, ...]
    precision: str

    @property
    def device(self) -> torch.device:
        """Where everything is."""
        return self.generator.b4.const.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the generator's feature maps during the search."""
        return DTYPES[self.precision]

    @property
    def batch(self) -> int:
        """How many photographs are optimised at once."""
        return self.config.batch or max(1, min(_MOST_AT_ONCE, _PIXELS // self.generator.config.resolution))

    def picture(self, index: int) -> Tensor:
        """A photograph as the generator should show it, `(1, 3, H, W)` in [-1, 1]."""
        return from_uint8(self.photos.pixels[index]).to(self.device)

    def headline(self) -> str:
        """One line for people: generator, what compares, device, kernels, how much there is to do."""
        network = self.generator.config
        size = ", ".join(filter(None, (f"{network.resolution} px", network.describe_conditions())))
        count = len(self.photos.paths)
        return (
            f"generator {self.config.model} ({size}), perception {self.perception.name}, judge {self.judge.name}, "
            f"{self.device} {self.precision}, {ops.describe(self.device.type)}, {count} photograph{'s' * (count != 1)} "
            f"into {self.settings.space.upper()}, {self.settings.steps} steps"
        )

    def facts(self, index: int) -> dict[str, Any]:
        """All that the inversion of a photograph depends on."""
        return {
            "model": self.config.model,
            "model_sha256": self.sha256,
            "picture_sha256": hashlib.sha256(self.photos.pixels[index].tobytes()).hexdigest(),
            "class": self.classes[index],
            "perception": self.perception.describe(),
            "settings": dataclasses.asdict(self.settings),
            "precision": self.precision,
        }

    def tuning_facts(self, index: int) -> dict[str, Any]:
        """All that the tuning for a photograph depends on."""
        tuning = None if self.tuning is None else dataclasses.asdict(self.tuning)
        return {**self.facts(index), "tuning": tuning}


def key_of(facts: dict[str, Any]) -> str:
    """A name for whatever depends on these facts: 64 hex digits; what it is called does not count."""
    counted = {name: value for name, value in facts.items() if name != "model"}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()


def make_plan(config: InvertConfig, photos: Sequence[str]) -> Plan:
    """Load what `config` names, read the photographs, and settle every default.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for networks that cannot be had, and where not one photograph can be read.
    """
    if config.batch is not None and config.batch < 1:
        raise UsageError(f"--batch must be at least 1, not {config.batch}.")
    if config.tune < 0:
        raise UsageError(f"--tune must be 0 or more steps, not {config.tune}.")
    device = pick_device(config.device)
    compute_exactly(device)
    config = dataclasses.replace(config, model=absolute_spec(config.model))
    generator = load_generator(config.model, device)
    settings, tuning = _settings(config), _tuning(config)
    framing = _framing(config, generator.config.resolution)
    paths = list_photos(photos)
    chosen = _classes(config, generator, len(paths))
    sha256 = hash_generator(generator)
    routes = load_routes(config.through, generator, config.strength, config.force)
    perception, judge = load_perception(config.perception, device), _judge(config, device)
    found = read_photos(paths, framing)
    if not found.paths:
        raise NadaError(f"none of the {len(paths)} photographs can be read, as {next(iter(found.skipped.values()))}")
    kept = tuple(number for path, number in zip(paths, chosen) if str(path) not in found.skipped)
    precision = gradient_precision(device) if config.precision == "auto" else config.precision
    return Plan(
        config, generator, sha256, found, kept, perception, judge, settings, tuning, routes, precision
    )  # fmt: skip


def list_photos(photos: Sequence[str]) -> list[Path]:
    """Files as they are given, and the pictures in folders by their names; each once. Raises NadaError for an empty folder."""
    found: dict[Path, None] = {}
    for name in photos:
        path = Path(name).expanduser()
        inside = [path / file for file in list_files(path) if is_picture(file)] if path.is_dir() else [path]
        if not inside:
            raise NadaError(f"there is no picture in the folder {path}.")
        found |= dict.fromkeys(inside)
    return list(found)


def _settings(config: InvertConfig) -> Settings:
    return Settings(**{field.name: getattr(config, field.name) for field in dataclasses.fields(Settings)})


def _tuning(config: InvertConfig) -> Tuning | None:
    if not config.tune:
        return None
    return Tuning(config.tune, config.tune_lr, config.locality, config.pixels, config.seed)


def _framing(config: InvertConfig, size: int) -> Framing:
    box = None if config.box is None else tuple(map(int, _numbers(config.box, 4, int, "--box", "40,0,200,200")))
    centre = (0.5, 0.5) if config.centre is None else _numbers(config.centre, 2, float, "--centre", "0.5,0.4")
    return Framing(size, config.fit, config.background, box, tuple(centre))


def _numbers(text: str, count: int, kind: type, flag: str, example: str) -> list[float]:
    try:
        values = [kind(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count:
        raise UsageError(f"{flag} is {count} numbers, as {example}, not {text!r}.")
    return values


def _classes(config: InvertConfig, generator: Generator, count: int) -> list[int | None]:
    numbers: list[int | None] = [class_number(generator.config, name) for name in config.classes]
    if len(numbers) <= 1:
        return (numbers or [None]) * count
    if len(numbers) != count:
        raise UsageError(f"--class is given {len(numbers)} times for {count} photographs; give one, or one for each.")
    return numbers


def _judge(config: InvertConfig, device: torch.device) -> GuideFeatures:
    spec = config.judge
    if spec == "auto":
        spec = next(name for name in JUDGES if name != config.perception)
    judge = load_features(spec, device)
    if not isinstance(judge, GuideFeatures):
        raise UsageError(f"--judge {spec} is no guide; give one such as demo-judge or ViT-B-32/openai.")
    return judge
