"""From options to what an evaluation needs: pictures, extractors, judge, words, metrics."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch

from nada.config.evaluate import EvaluateConfig
from nada.errors import UsageError
from nada.evaluation.asking import check_options, is_lpips
from nada.evaluation.computing import METRICS
from nada.evaluation.keeping import check_places
from nada.evaluation.measuring import INCEPTION, choose
from nada.evaluation.origin import Origin, origin_of
from nada.evaluation.pictures import Made, Pictures
from nada.evaluation.sight import met
from nada.evaluation.subjects import Subjects, find_subjects, is_pictures
from nada.evaluation.tasks import OF_FEATURES, Counts, Task, eyes_for, refuse_lacking, settle, sort_out
from nada.evaluation.words import Words, read_own_words, read_words
from nada.features import Extractor, GuideFeatures, LpipsFeatures, load_features
from nada.features.specs import parse_features
from nada.runs import find_run

BUNDLED = ("demo-judge", "demo")  # the first one that had no part in the training is taken


@dataclass(frozen=True)
class Plan:
    """What an evaluation is made of. `left_out` says which metrics cannot be had, and why."""

    config: EvaluateConfig
    pictures: Pictures
    reference: Pictures | None
    before: Made | None
    eyes: tuple[Extractor, ...]
    lpips: LpipsFeatures | None
    judge: GuideFeatures
    words: Words | None
    tasks: tuple[Task, ...]
    left_out: dict[str, str]
    origin: Origin
    device: torch.device

    @property
    def judged_by(self) -> tuple[Extractor, ...]:
        """Who needs to see the pictures that are judged; the judge where LPIPS alone is asked for, which sees by itself."""
        return eyes_for(self.tasks, *OF_FEATURES) or (self.judge,)

    @property
    def compared_by(self) -> tuple[Extractor, ...]:
        """Who needs to see the reference."""
        return eyes_for(self.tasks, "reference")

    @property
    def remembered_by(self) -> tuple[Extractor, ...]:
        """Who needs to see the pictures before."""
        return eyes_for(self.tasks, "before", "direction")

    @property
    def shows_change(self) -> bool:
        """Whether LPIPS compares pictures with those before."""
        return any(task.metric.needs == "change" for task in self.tasks)


def make_plan(config: EvaluateConfig, device: torch.device) -> Plan:
    """Load what `config` names, with what a run that is judged says of itself.

    Raises:
        UsageError: for options that make no sense, or not together, and for metrics asked for that cannot be had.
        NadaError: for generators, pictures or features that cannot be had, and places that cannot be written.
    """
    names, strict = choose(config.metrics)
    needs = {METRICS[name].needs for name in names}
    spec = str(find_run("latest")) if config.model == "latest" else config.model
    origin = Origin() if is_pictures(spec) else origin_of(spec)
    check_options(config, spec, origin, needs, strict)
    check_places(config, origin)
    subjects = find_subjects(config, spec, origin, needs, device)
    prompts = _prompts(config, origin)
    if strict:  # before anything large is fetched or made
        refuse_lacking(names, _promised(config, subjects, prompts))
    judge = _judge(config, origin, device)
    lpips = _lpips(config, device)
    eyes = _eyes(config, names, judge, device)
    words = _words(prompts, judge, subjects.pictures)
    tasks, left_out = _tasks(config, names, subjects, words, (judge, eyes, lpips))
    return Plan(config, *subjects, eyes, lpips, judge, words, tasks, left_out, origin, device)


def _promised(config: EvaluateConfig, subjects: Subjects, prompts: tuple[str | None, str | None]) -> set[str]:
    """The needs that will be met, as far as that is known before a guide is loaded."""
    pictures, (prompt, source) = subjects.pictures, prompts
    one, own = prompt is not None, isinstance(pictures, Made) and bool(pictures.generator.config.text_dim)
    there = subjects.reference is not None, subjects.before is not None
    return met(*there, one or own, one, source is not None, any(map(is_lpips, config.features)))


def _tasks(
    config: EvaluateConfig,
    names: tuple[str, ...],
    subjects: Subjects,
    words: Words | None,
    seers: tuple[GuideFeatures, tuple[Extractor, ...], LpipsFeatures | None],
) -> tuple[tuple[Task, ...], dict[str, str]]:
    """What can be computed, and what is told to be left out."""
    judge, eyes, lpips = seers
    templates, source = (words.templates is not None, words.source is not None) if words else (False, False)
    before = subjects.before is not None
    there = met(subjects.reference is not None, before, words is not None, templates, source, lpips is not None)
    counts = Counts(subjects.pictures.count, subjects.reference.count if subjects.reference else 0)
    tasks, lacking = sort_out(names, eyes, judge, there, counts)
    given = {"direction": templates and (before or source), "reference": not all(map(is_lpips, config.features))}
    return tasks, settle(config.metrics, lacking, [need for need, half in given.items() if half])


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
    specs = [spec for spec in config.features if not is_lpips(spec)]
    if not any(map(_is_inception, specs)) and set(INCEPTION) & set(names) and config.metrics != "all":
        specs.append("inception")
    if config.resize and not any(map(_is_inception, specs)):
        raise UsageError(f"--resize {config.resize} is for the features inception; all others have a resize of their own.")
    eyes = [_eye(spec, judge, config.resize, device) for spec in specs]
    return tuple({eye.tag: eye for eye in eyes}.values()) or (judge,)


def _eye(spec: str, judge: GuideFeatures, resize: str | None, device: torch.device) -> Extractor:
    if spec == judge.name and not re.search("[=:]", spec):  # of a file, the name is not where it lies
        return judge
    return load_features(spec, device, resize if _is_inception(spec) else None)


def _lpips(config: EvaluateConfig, device: torch.device) -> LpipsFeatures | None:
    """What compares two pictures; distances of sets are not made of it."""
    specs = [spec for spec in config.features if is_lpips(spec)]
    if len(specs) > 1:
        raise UsageError("Give one of lpips-alex=FILE and lpips-vgg=FILE, and the other in an evaluation of its own.")
    if not specs:
        return None
    lpips = load_features(specs[0], device)
    assert isinstance(lpips, LpipsFeatures)
    return lpips


def _is_inception(spec: str) -> bool:
    return spec.partition("=")[0] == "inception"


def _prompts(config: EvaluateConfig, origin: Origin) -> tuple[str | None, str | None]:
    """What the pictures should show, and what they showed before, in words."""
    prompt, source = config.prompt, config.source
    if origin.command == "adapt":
        prompt = prompt if prompt is not None else _text(origin.option("target"))
        source = source if source is not None else _text(origin.option("source"))
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
