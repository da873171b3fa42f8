"""From what was seen to scores: the metrics that are asked for, and what came of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from nada.errors import NadaError, UsageError
from nada.evaluation.computing import METRICS
from nada.evaluation.scores import Score
from nada.evaluation.sight import Sight
from nada.evaluation.tasks import Task

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


def measure(sight: Sight, tasks: Iterable[Task]) -> tuple[list[Score], dict[str, str]]:
    """Return the scores, and the reason for those that the pictures seen did not allow, which costs no other score."""
    scores: dict[str, Score] = {}
    failed: dict[str, str] = {}
    for task in tasks:
        try:
            scores |= {score.key: score for score in task.metric.compute(sight, task.eye)}
        except NadaError as error:
            failed[f"{task.name} ({task.eye.name})"] = str(error)
    return list(scores.values()), failed
