"""From what was seen to scores: which metrics are computed, and which are left out and why."""

from __future__ import annotations

import difflib

from nada.errors import NadaError, UsageError
from nada.evaluation.computing import METRICS
from nada.evaluation.scores import Score
from nada.evaluation.sight import NEEDS, Sight
from nada.features import Extractor

INCEPTION = ("fid", "kid", "is")


def choose(asked: str) -> tuple[tuple[str, ...], bool]:
    """The metrics that `--metrics` names, and whether they were asked for by name. Raises UsageError."""
    if asked in ("auto", "all"):
        return tuple(name for name, metric in METRICS.items() if asked == "all" or metric.usual), False
    words = (word.strip().lower().replace("_", "-") for word in asked.split(","))
    names = tuple(dict.fromkeys(word for word in words if word))
    for name in names:
        if name not in METRICS:
            near = difflib.get_close_matches(name, METRICS, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UsageError(f"There is no metric {name!r}; {hint}there are auto, all, {', '.join(METRICS)}.")
    if not names:
        raise UsageError("--metrics is empty; write auto, or names such as frechet,clip-t.")
    return names, True


def refuse_lacking(names: tuple[str, ...], there: set[str]) -> None:
    """Raise UsageError for a metric that needs what is not there; `there` is of `nada.evaluation.sight.met`."""
    for name in names:
        if METRICS[name].needs not in there:
            raise UsageError(f"--metrics {name} cannot be had: {NEEDS[METRICS[name].needs]}.")


def measure(sight: Sight, names: tuple[str, ...], strict: bool) -> tuple[list[Score], dict[str, str]]:
    """Return the scores, and for those that cannot be had the reason.

    Args:
        strict: raise UsageError or NadaError for a metric that cannot be had, instead of leaving it out.
    """
    scores: dict[str, Score] = {}
    left_out: dict[str, str] = {}
    for name in names:
        metric = METRICS[name]
        eyes = tuple(eye for eye in ((sight.judge,) if metric.judged else sight.eyes) if metric.fits(eye))
        lacking = NEEDS[metric.needs] if not sight.has(metric.needs) else "" if eyes else metric.otherwise
        if lacking and strict:
            raise UsageError(f"--metrics {name} cannot be had: {lacking}.")
        for eye in () if lacking else eyes:
            try:
                scores |= {score.key: score for score in metric.compute(sight, eye)}
            except NadaError as error:
                if strict:
                    raise NadaError(f"--metrics {name}, {eye.name}: {error}") from error
                left_out[_missing(name, eye)] = str(error)
    return list(scores.values()), left_out


def _missing(name: str, eye: Extractor) -> str:
    return f"{name} ({eye.name})"
