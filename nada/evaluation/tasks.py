"""Which metrics are computed of whose features, settled before a picture is made: what cannot be had is known by then."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from nada.errors import UsageError
from nada.evaluation.computing import METRICS, Metric
from nada.evaluation.sight import NEEDS
from nada.features import Extractor

OF_FEATURES = ("reference", "before", "direction", "words", "templates", "")


class Task(NamedTuple):
    """One metric on one extractor's features."""

    name: str
    eye: Extractor

    @property
    def metric(self) -> Metric:
        """How it is had."""
        return METRICS[self.name]


class Lacking(NamedTuple):
    """Why metrics cannot be had: `parts` for want of a reference, words, features; `pictures` for too few of them."""

    parts: dict[str, str]
    pictures: dict[str, str]


class Counts(NamedTuple):
    """How many pictures are judged, and how many the reference has."""

    judged: int
    reference: int


def refuse_lacking(names: Iterable[str], there: set[str]) -> None:
    """Raise UsageError for a metric that needs what is not there; `there` is of `nada.evaluation.sight.met`."""
    for name in names:
        if METRICS[name].needs not in there:
            raise _refused(name, NEEDS[METRICS[name].needs])


def sort_out(
    names: Iterable[str], eyes: Sequence[Extractor], judge: Extractor, there: set[str], counts: Counts
) -> tuple[tuple[Task, ...], Lacking]:
    """The tasks that can be done, each once where two names mean the same; and why others cannot."""
    tasks: dict[tuple[object, str], Task] = {}
    lacking = Lacking({}, {})
    for name in names:
        metric = METRICS[name]
        fitting = [eye for eye in ((judge,) if metric.judged else eyes) if metric.fits(eye)]
        if metric.needs not in there or not fitting:
            lacking.parts[name] = NEEDS[metric.needs] if metric.needs not in there else metric.otherwise
            continue
        count = min(counts) if metric.needs == "reference" else counts.judged
        for eye in fitting:
            if count < metric.least(eye):
                lacking.pictures[f"{name} ({eye.name})"] = _too_few(metric, eye, count)
            else:
                tasks.setdefault((metric.compute, eye.tag), Task(name, eye))
    return tuple(tasks.values()), lacking


def settle(asked: str, lacking: Lacking, awaited: Collection[str]) -> dict[str, str]:
    """What is told to be left out, by name, with the reason.

    Args:
        asked: `--metrics`. With `auto` only that is told which somebody may wait for.
        awaited: the needs, keys of `NEEDS`, of such metrics, as a part of what they take was given.

    Raises:
        UsageError: for a metric that was asked for by name.
    """
    if asked not in ("auto", "all"):
        for name, why in {**lacking.parts, **lacking.pictures}.items():
            raise _refused(name, why)
    told = {
        name: why
        for name, why in lacking.parts.items()
        if asked == "all" or (METRICS[name].usual and METRICS[name].needs in awaited)
    }
    return {**told, **lacking.pictures}


def eyes_for(tasks: Iterable[Task], *needs: str) -> tuple[Extractor, ...]:
    """Whose features these tasks take, of those that need one of these things."""
    return tuple({task.eye.tag: task.eye for task in tasks if task.metric.needs in needs}.values())


def _too_few(metric: Metric, eye: Extractor, count: int) -> str:
    each = " of both kinds" if metric.needs == "reference" else ""
    return f"it needs {metric.least(eye)} pictures or more{each}, and there are {count}"


def _refused(name: str, why: str) -> UsageError:
    return UsageError(f"--metrics {name} cannot be had: {why}.")
