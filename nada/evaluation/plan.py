"""From options to what an evaluation needs: pictures, extractors, judge, words, metrics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nada.checkpoints import load_generator
from nada.checkpoints.native import ADAPTATION, is_native
from nada.config.evaluate import EvaluateConfig
from nada.data.fitting import Fit
from nada.errors import UsageError
from nada.evaluation.measuring import INCEPTION, choose, refuse_lacking
from nada.evaluation.origin import Origin, origin_of
from nada.evaluation.pictures import HeldOut, Made, Pictures, Stored
from nada.evaluation.sight import met
from nada.evaluation.words import Words, read_own_words, read_words
from nada.features import Extractor, GuideFeatures, LpipsFeatures, load_features
from nada.features.specs import parse_features
from nada.models import Generator
from nada.models.conditions import class_number
from nada.runs import find_run

BUNDLED = ("demo-judge", "demo")  # the first one that had no part in the training is taken
_PICTURES = (".zip", ".parquet", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class Plan:
    """What an evaluation is made of. `strict` says that the metrics were asked for by name."""

    config: EvaluateConfig
    pictures: Pictures
    reference: Pictures | None
    before: Made | None
    eyes: tuple[Extractor, ...]
    lpips: LpipsFeatures | None
    judge: GuideFeatures
    words: Words | None
    names: tuple[str, ...]
    strict: bool
    origin: Origin
    device: torch.device

    @property
    def seen_in_training(self) -> bool:
        """Whether the generator was trained on its reference."""
        data = self.origin.data
        by_default = self.config.reference is None and self.origin.holds_out
        apart = self.config.include is not None or by_default
        return data is not None and self.reference is not None and self.reference.name == data and not apart

    @property
    def enlarged(self) -> tuple[int, int] | None:
        """The generator's side and that of its pictures, where these are larger."""
        if not isinstance(self.pictures, Made):
            return None
        sides = self.pictures.generator.config.resolution, self.pictures.size
        return sides if sides[0] < sides[1] else None

    @property
    def judged_by(self) -> tuple[Extractor, ...]:
        """Who needs to see the pictures that are judged: the judge, and for distances and scores the extractors."""
        needed = self.reference is not None or "is" in self.names
        return (*(self.eyes if needed else ()), self.judge)

    @property
    def compared_by(self) -> tuple[Extractor, ...]:
        """Who needs to see the reference."""
        return (*self.eyes, *((self.judge,) if "clip-i" in self.names else ()))


def make_plan(config: EvaluateConfig, device: torch.device) -> Plan:
    """Load what `config` names, with what a run that is judged says of itself.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for generators, pictures or features that cannot be had.
    """
    names, strict = choose(config.metrics)
    if config.batch < 1:
        raise UsageError(f"--batch is 1 or more, not {config.batch}.")
    Fit(config.size)  # refuses a size that cannot be
    spec = str(find_run("latest")) if config.model == "latest" else config.model
    files = is_pictures(spec)
    origin = Origin() if files else origin_of(spec)
    pictures = _stored(config, spec) if files else _made(config, spec, device, _classes(config, origin))
    before = _before(config, origin, pictures, device)
    reference = _reference(config, origin, device)
    prompts = _prompts(config, origin)
    if strict:  # before anything large is fetched or made
        own = isinstance(pictures, Made) and bool(pictures.generator.config.text_dim)
        one = prompts[0] is not None
        lpips_asked = any(map(_is_lpips, config.features))
        there = met(reference is not None, before is not None, one or own, one, prompts[1] is not None, lpips_asked)
        refuse_lacking(names, there)
    judge = _judge(config, origin, device)
    lpips = _lpips(config, device)
    eyes = _eyes(config, names, judge, device)
    words = _words(prompts, judge, pictures)
    return Plan(config, pictures, reference, before, eyes, lpips, judge, words, names, strict, origin, device)


def is_pictures(spec: str) -> bool:
    """Whether a spec names pictures in files, and not a generator."""
    path = Path(spec).expanduser()
    if path.is_file():
        return path.suffix.lower() in _PICTURES
    generators = (path, path / "generator")
    return path.is_dir() and not (any(map(is_native, generators)) or (path / ADAPTATION).is_file() or origin_of(spec).is_run)


def default_judge(guides: Collection[str]) -> str:
    """The bundled guide that judges what these guides have guided: one that had no part in it, where there is one."""
    return next((name for name in BUNDLED if name not in guides), BUNDLED[0])


def _judge(config: EvaluateConfig, origin: Origin, device: torch.device) -> GuideFeatures:
    spec = config.judge
    if spec == "auto":
        spec = default_judge(set(origin.guides.values()))
    if parse_features(spec).kind != "guide":
        raise UsageError(f"--judge {spec} reads no words; give a guide such as demo-judge or ViT-B-32/openai.")
    judge = load_features(spec, device)
    assert isinstance(judge, GuideFeatures)
    return judge


def _eyes(
    config: EvaluateConfig, names: tuple[str, ...], judge: GuideFeatures, device: torch.device
) -> tuple[Extractor, ...]:
    specs = [spec for spec in config.features if not _is_lpips(spec)]
    if not any(map(_is_inception, specs)) and set(INCEPTION) & set(names) and config.metrics != "all":
        specs.append("inception")
    if config.resize and not any(map(_is_inception, specs)):
        raise UsageError(f"--resize {config.resize} is for the features inception; all others have a resize of their own.")
    eyes = [_eye(spec, judge, config.resize, device) for spec in specs]
    return tuple({eye.tag: eye for eye in eyes}.values()) or (judge,)


def _eye(spec: str, judge: GuideFeatures, resize: str | None, device: torch.device) -> Extractor:
    if spec == judge.name:
        return judge
    return load_features(spec, device, resize if _is_inception(spec) else None)


def _lpips(config: EvaluateConfig, device: torch.device) -> LpipsFeatures | None:
    """What compares two pictures; distances of sets are not made of it."""
    specs = [spec for spec in config.features if _is_lpips(spec)]
    if len(specs) > 1:
        raise UsageError("Give one of lpips-alex=FILE and lpips-vgg=FILE, and the other in an evaluation of its own.")
    if not specs:
        return None
    lpips = load_features(specs[0], device)
    assert isinstance(lpips, LpipsFeatures)
    return lpips


def _is_lpips(spec: str) -> bool:
    return spec.startswith("lpips")


def _is_inception(spec: str) -> bool:
    return spec.partition("=")[0] == "inception"


def _classes(config: EvaluateConfig, origin: Origin) -> tuple[str, ...]:
    """The conditions that were asked for, or else those that the run adapted."""
    kept = origin.option("classes") if origin.command == "adapt" else None
    return config.classes or tuple(kept or ())


def _made(config: EvaluateConfig, spec: str, device: torch.device, classes: tuple[str, ...] = (), first: int = 0) -> Made:
    generator: Generator = load_generator(spec, device)
    numbers = tuple(class_number(generator.config, name) for name in classes)
    return Made(generator, spec, config.num, config.size, numbers, config.truncation, config.seed, first)


def _stored(config: EvaluateConfig, spec: str) -> Stored:
    if config.classes or config.against not in (None, "none"):
        flag = "--class" if config.classes else "--against"
        raise UsageError(f"{flag} is for a generator, and {spec} holds pictures.")
    return Stored(spec, config.size)


def _before(config: EvaluateConfig, origin: Origin, pictures: Pictures, device: torch.device) -> Made | None:
    """The same latents and conditions by the generator before."""
    spec = origin.base_spec if config.against is None else config.against
    if spec in (None, "none") or not isinstance(pictures, Made):
        return None
    if is_pictures(spec):
        raise UsageError(f"--against is a generator that makes the same latents' pictures; give {spec} as --reference.")
    before = _made(config, spec, device)
    one, other = pictures.generator.config, before.generator.config
    if (one.z_dim, one.num_conditions) != (other.z_dim, other.num_conditions):
        raise UsageError(
            f"--against {spec} has latents of {other.z_dim} numbers and {other.num_conditions} conditions, the model "
            f"{one.z_dim} and {one.num_conditions}, so no two pictures belong together; give it as --reference."
        )
    return Made(before.generator, spec, config.num, config.size, pictures.classes, config.truncation, config.seed)


def _reference(config: EvaluateConfig, origin: Origin, device: torch.device) -> Pictures | None:
    spec, include = config.reference, config.include
    if spec is None and origin.data is not None and Path(origin.data).exists():
        return _own_reference(config, origin, origin.data)
    if spec is None:
        return None
    if is_pictures(spec):
        return Stored(spec, config.size, include)
    if config.include:
        raise UsageError(f"--include chooses among files, and {spec} is a generator.")
    return _made(config, spec, device, config.classes, first=config.num)  # other latents than those that are judged


def _own_reference(config: EvaluateConfig, origin: Origin, data: str) -> Stored:
    """A training's own pictures: those that it held out, if it did."""
    share = origin.option("holdout")
    if config.include is None and share:
        return Stored(data, config.size, origin.option("include"), HeldOut(share, origin.option("size")))
    include = config.include or origin.option("holdout_glob") or origin.option("include")
    return Stored(data, config.size, include)


def _prompts(config: EvaluateConfig, origin: Origin) -> tuple[str | None, str | None]:
    """What the pictures should show, and what they showed before, in words."""
    prompt, source = config.prompt, config.source
    if origin.command == "adapt":
        prompt = prompt if prompt is not None else _text(origin.option("target"))
        source = source if source is not None else _text(origin.option("source"))
    if prompt is None and config.source is not None:
        raise UsageError("--source needs a --prompt: a direction in words has two ends.")
    return prompt, source


def _words(prompts: tuple[str | None, str | None], judge: GuideFeatures, pictures: Pictures) -> Words | None:
    prompt, source = prompts
    if prompt is not None:
        return read_words(judge, prompt, source)
    if isinstance(pictures, Made) and pictures.generator.config.text_dim:
        numbers, names = pictures.conditions(), pictures.generator.config.condition_names
        return read_own_words(judge, names, numbers) if numbers and names else None
    return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
