"""The result for people and for programs: a table, a section of a model card, a record with the whole protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nada.config import to_json
from nada.evaluation.pictures import Pictures
from nada.evaluation.plan import Plan
from nada.evaluation.scores import Doubt, Score
from nada.runs import describe_environment

HEAD = ("metric", "value", "95 % interval", "n", "features", "better")
BEGIN, END = "<!-- nada evaluate: begin -->", "<!-- nada evaluate: end -->"
_RIGHT = (1, 3)  # columns of numbers


@dataclass(frozen=True)
class Evaluation:
    """What came out: the scores, why some should not be believed, why others are missing, and how all were made."""

    scores: tuple[Score, ...]
    doubts: tuple[Doubt, ...]
    left_out: dict[str, str]
    protocol: dict[str, Any]
    options: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The whole of it for JSON."""
        return {
            "command": "evaluate",
            "scores": {score.key: score.to_dict() for score in self.scores},
            "doubts": [{"text": doubt.text, "scores": list(doubt.keys)} for doubt in self.doubts],
            "left_out": self.left_out,
            "options": self.options,
            "protocol": self.protocol,
        }

    def lines(self) -> list[str]:
        """A table and the doubts, for a terminal."""
        rows = [HEAD, *_rows(self)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
        table = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
        rule = "  ".join("-" * width for width in widths)
        return [table[0], rule, *table[1:], *(["", *_remarks(self)] if _remarks(self) else [])]

    def section(self) -> str:
        """The same as a part of a model card, between the marks by which the next evaluation finds it."""
        rows = [HEAD, ("---", "---:", "---", "---:", "---", "---"), *_rows(self)]
        table = ["| " + " | ".join(row) + " |" for row in rows]
        remarks = [f"- {remark}" for remark in _remarks(self)]
        how = f"`nada evaluate`, {self.protocol['size']} px; the whole protocol is in `results.json`."
        return "\n".join([BEGIN, "## Evaluation", "", how, "", *table, "", *remarks, *([""] if remarks else []), END])


def describe(plan: Plan) -> dict[str, Any]:
    """All that the numbers depend on."""
    words = plan.words
    return {
        "size": plan.config.size,
        "batch": plan.config.batch,
        "model": _named(plan.pictures),
        "reference": _named(plan.reference),
        "against": _named(plan.before),
        "prompt": words.prompt or "each picture's own" if words else None,
        "source": words.source_prompt or None if words else None,
        "features": {eye.tag: eye.describe() for eye in (*plan.eyes, *((plan.lpips,) if plan.lpips else ()))},
        "judge": plan.judge.describe(),
        "guides": sorted(set(plan.origin.guides.values())),
        "device": str(plan.device),
        "environment": describe_environment(),
    }


def options_of(plan: Plan) -> dict[str, Any]:
    """The options, in the form in which `--config results.json` takes them up again."""
    return {name: value for name, value in to_json(plan.config).items() if name not in ("json", "record")}


def headline(plan: Plan, kernels: str) -> list[str]:
    """What is about to be done, in a line or some."""
    pictures = plan.pictures
    first = f"model {pictures.name} ({pictures.count} pictures at {plan.config.size} px), judge {plan.judge.name}, "
    lines = [first + f"features {', '.join(eye.name for eye in plan.eyes)}, {plan.device}, {kernels}"]
    if plan.reference is not None:
        own = plan.origin.holds_out and plan.config.reference is None and plan.config.include is None
        kind = "pictures that the training held out" if own else "pictures"
        lines.append(f"reference {plan.reference.name} ({plan.reference.count} {kind})")
    if plan.before is not None:
        lines.append(f"against {plan.before.name}, the same latents")
    if plan.words is not None:
        source = f" (from {plan.words.source_prompt!r})" if plan.words.source_prompt else ""
        lines.append(f"prompt {plan.words.prompt!r}{source}" if plan.words.prompt else "prompt of each picture: its own")
    return lines


def _named(pictures: Pictures | None) -> dict[str, Any] | None:
    return None if pictures is None else {"name": pictures.name, **pictures.describe()}


def _rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    rows = []
    for score in evaluation.scores:
        estimate = score.estimate
        marks = "".join(f" [{number}]" for number, doubt in _numbered(evaluation) if score.key in doubt.keys)
        interval = f"{_short(estimate.low)} to {_short(estimate.high)}"
        counts = " / ".join(map(str, dict.fromkeys(estimate.n)))
        rows.append((score.title + marks, _short(estimate.value), interval, counts, score.features, score.better))
    return rows


def _numbered(evaluation: Evaluation) -> list[tuple[int, Doubt]]:
    """The doubts about some of the scores; what is about all of them needs no mark."""
    every = {score.key for score in evaluation.scores}
    return list(enumerate((doubt for doubt in evaluation.doubts if doubt.keys and set(doubt.keys) != every), 1))


def _remarks(evaluation: Evaluation) -> list[str]:
    marked = _numbered(evaluation)
    numbered = [f"[{number}] {doubt.text}" for number, doubt in marked]
    general = [doubt.text for doubt in evaluation.doubts if doubt not in [other for _, other in marked]]
    return [*numbered, *general, *(f"Left out: {name}: {why}" for name, why in evaluation.left_out.items())]


def _short(value: float) -> str:
    """Four digits; small numbers of distances are not hidden behind an exponent until they are very small."""
    return f"{value:.4f}" if 1e-2 <= abs(value) < 10 or value == 0 else f"{value:.4g}"


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    return [
        cell.rjust(width) if column in _RIGHT else cell.ljust(width) for column, (cell, width) in enumerate(zip(row, widths))
    ]
