"""`nada.adapt`: an adaptation in memory, without a run folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

from nada.adaptation.loop import Adaptation, StepReport
from nada.adaptation.precision import choose_precision
from nada.adaptation.settings import Settings, published_settings
from nada.adaptation.watch import Watch
from nada.clip import Guide
from nada.errors import UsageError
from nada.models import Generator, with_weights


class AdaptResult(NamedTuple):
    """What came out of an adaptation.

    Attributes:
        generator: the adapted generator. The one that was given is unchanged.
        losses: the guide's loss at every step.
        selected: names of the parameters that were free to move.
        best_step: the step whose weights `generator` has; the last one unless a judge preferred another.
    """

    generator: Generator
    losses: list[float]
    selected: tuple[str, ...]
    best_step: int


def adapt(
    generator: Generator,
    guide: Guide,
    *,
    method: str = "nada",
    judge: Guide | None = None,
    look_every: int = 10,
    on_step: Callable[[StepReport], None] | None = None,
    **settings: object,
) -> AdaptResult:
    """Adapt a copy of `generator` to what `guide` asks for (Gal et al. 2021, arXiv:2108.00946).

    It runs where the generator is; guide and judge are moved there and stay.

    Args:
        method: "nada", or "official" for the published code's behaviour, defects included.
        judge: a guide that only looks; with one the best weights it saw are the result, and the run may end early.
        look_every: steps between two looks of the judge.
        on_step: called after every step.
        settings: fields of `nada.adaptation.Settings`, such as `layers="late:2"`, `steps=200`, `seed=0`. The precision
            is "fp32" unless another is given; "auto" takes what the command would on this device.

    Raises:
        UsageError: for an unknown setting or method, or a policy that selects nothing.
        NadaError: if the loss or a gradient stops being finite.
    """
    if settings.get("precision") == "auto":
        settings["precision"] = choose_precision(generator.b4.const.device, method)
    adaptation = Adaptation(generator, guide, make_settings(method, settings))
    if guide.needs_source_images:
        guide.set_source_images(adaptation.source_pictures())
    watch = None if judge is None else Watch(adaptation, judge)
    losses = []
    while adaptation.step < adaptation.settings.steps and not (watch and watch.should_stop):
        report = adaptation.advance()
        losses.append(report.loss)
        if on_step is not None:
            on_step(report)
        if watch is not None and (report.step % look_every == 0 or report.step == adaptation.settings.steps):
            watch.look()
    best = adaptation.step if watch is None or not watch.best_weights else watch.best_step
    weights = watch.best_weights if watch is not None and watch.best_weights else adaptation.weights()
    return AdaptResult(with_weights(generator, weights), losses, adaptation.selection.names, best)


def make_settings(method: str, values: dict[str, object]) -> Settings:
    """Return the settings of a method with some of them changed. Raises UsageError for an unknown name."""
    known = {field.name for field in dataclasses.fields(Settings)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise UsageError(f"Unknown setting {unknown[0]!r}; there are {', '.join(sorted(known))}.")
    if method == "official":
        return published_settings(**values)
    if method != "nada":
        raise UsageError(f"Unknown method {method!r}; choose nada or official.")
    return dataclasses.replace(Settings(), **values)
