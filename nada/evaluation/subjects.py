"""Which pictures are judged, and which they are compared with: from specs to generators and files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch

from nada.checkpoints import load_generator
from nada.checkpoints.native import ADAPTATION, is_native
from nada.config.evaluate import NUM, EvaluateConfig
from nada.errors import UsageError
from nada.evaluation.origin import Origin, origin_of
from nada.evaluation.pictures import HeldOut, Made, Pictures, Stored
from nada.models import Generator
from nada.models.conditions import class_number

_PICTURES = (".zip", ".parquet", ".tar", ".gz", ".tgz", ".bz2", ".xz")
OF_BEFORE = ("before", "direction", "change")  # needs that the generator before meets


class Subjects(NamedTuple):
    """Pictures that are judged, those of a reference, and those of the same latents before."""

    pictures: Pictures
    reference: Pictures | None
    before: Made | None


def is_pictures(spec: str) -> bool:
    """Whether a spec names pictures in files, and not a generator."""
    path = Path(spec).expanduser()
    if path.is_file():
        return path.suffix.lower() in _PICTURES
    generators = (path, path / "generator")
    return path.is_dir() and not (any(map(is_native, generators)) or (path / ADAPTATION).is_file() or origin_of(spec).is_run)


def find_subjects(config: EvaluateConfig, spec: str, origin: Origin, needs: set[str], device: torch.device) -> Subjects:
    """Load or survey what the metrics' `needs` ask for, and nothing else.

    Raises:
        UsageError: for classes and generators that do not fit together.
        NadaError: for generators and pictures that cannot be had.
    """
    names = _adapted_classes(config, origin)
    pictures = _stored(spec, config.size) if is_pictures(spec) else _made(config, spec, device, names)
    before = _before(config, origin, pictures, device) if needs & set(OF_BEFORE) else None
    reference = _reference(config, origin, pictures, device) if "reference" in needs else None
    return Subjects(pictures, reference, before)


def own_data(config: EvaluateConfig, origin: Origin) -> str | None:
    """The pictures of a training, where they are its reference: nothing else was named, and they are there."""
    there = config.reference is None and origin.data is not None and Path(origin.data).exists()
    return origin.data if there else None


def _adapted_classes(config: EvaluateConfig, origin: Origin) -> tuple[str, ...]:
    """The conditions that were asked for, or else those that the run adapted."""
    kept = origin.option("classes") if origin.command == "adapt" else None
    return config.classes or tuple(kept or ())


def _made(config: EvaluateConfig, spec: str, device: torch.device, classes: tuple[str, ...] = (), first: int = 0) -> Made:
    generator: Generator = load_generator(spec, device)
    numbers = tuple(class_number(generator.config, name) for name in classes)
    return _pictures_of(generator, config, spec, numbers, first)


def _pictures_of(generator: Generator, config: EvaluateConfig, spec: str, numbers: tuple[int, ...], first: int = 0) -> Made:
    psi = 1.0 if config.truncation is None else config.truncation
    return Made(generator, spec, _num(config), config.size, numbers, psi, config.seed, first)


def _num(config: EvaluateConfig) -> int:
    return NUM if config.num is None else config.num


def _stored(spec: str, size: int, include: str | None = None, held_out: HeldOut | None = None) -> Stored:
    return Stored(Path(spec).expanduser(), size, include, held_out)


def _before(config: EvaluateConfig, origin: Origin, pictures: Pictures, device: torch.device) -> Made | None:
    """The same latents and conditions by the generator before."""
    spec = origin.base_spec if config.against is None else config.against
    if spec in (None, "none") or not isinstance(pictures, Made):
        return None
    if is_pictures(spec):
        raise UsageError(f"--against is a generator that makes the same latents' pictures; give {spec} as --reference.")
    generator: Generator = load_generator(spec, device)
    one, other = pictures.generator.config, generator.config
    if (one.z_dim, one.num_conditions) != (other.z_dim, other.num_conditions):
        raise UsageError(
            f"--against {spec} has latents of {other.z_dim} numbers and {other.num_conditions} conditions, the model "
            f"{one.z_dim} and {one.num_conditions}, so no two pictures belong together; give it as --reference."
        )
    return _pictures_of(generator, config, spec, pictures.classes)


def _reference(config: EvaluateConfig, origin: Origin, pictures: Pictures, device: torch.device) -> Pictures | None:
    data = own_data(config, origin)
    if data is not None:
        return _own_reference(config, origin, data)
    if config.reference is None:
        return None
    if is_pictures(config.reference):
        return _stored(config.reference, config.size, config.include)
    made = _made(config, config.reference, device, config.classes, first=_num(config))  # other latents than those judged
    if config.classes or not isinstance(pictures, Made):
        return made
    return _pictures_of(made.generator, config, made.name, same_classes(pictures, made.generator), made.first)


def same_classes(pictures: Made, generator: Generator) -> tuple[int, ...]:
    """The conditions that an adaptation is of, by their names in another generator; all where it has others."""
    names, others = pictures.generator.config.condition_names, generator.config.condition_names
    if not (names or others) and pictures.generator.config.num_conditions == generator.config.num_conditions:
        return pictures.classes
    chosen = [names[number] if names else "" for number in pictures.classes]
    return tuple(others.index(name) for name in chosen) if all(name in others for name in chosen) else ()


def _own_reference(config: EvaluateConfig, origin: Origin, data: str) -> Stored:
    """A training's own pictures: those that it held out, if it did."""
    share = origin.option("holdout")
    if config.include is None and share:
        return _stored(data, config.size, origin.option("include"), HeldOut(share, origin.option("size")))
    include = config.include or origin.option("holdout_glob") or origin.option("include")
    return _stored(data, config.size, include)
