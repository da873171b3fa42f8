"""The result for people and for programs: a table, a section of a model card, a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nada.evaluation.scores import Doubt, Score

HEAD = ("metric", "value", "95 % interval", "n", "features", "resize", "better")
WIDEST = 100  # columns of a terminal
BEGIN, END = "<!-- nada evaluate: begin -->", "<!-- nada evaluate: end -->"
_RIGHT = (1, 3)  # columns of numbers
_FEATURES = HEAD.index("features")
_LEAST_OF_A_NAME = 8
_BRIEF = {"centre crop": "crop"}  # of resizes


@dataclass(frozen=True)
class Evaluation:
    """What came out: the scores, why some should not be believed, why others are missing, and how all were made."""

    scores: tuple[Score, ...]
    doubts: tuple[Doubt, ...]
    left_out: dict[str, str]
    protocol: dict[str, Any]
    options: dict[str, Any]

    @property
    def missing(self) -> tuple[str, ...]:
        """What was asked for by name and is not there; `left_out` has the reasons."""
        return () if self.options.get("metrics") in ("auto", "all") else tuple(self.left_out)

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
        rows = _narrowed([HEAD, *_rows(self)])
        widths = _widths(rows)
        table = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
        rule = "  ".join("-" * width for width in widths)
        return [table[0], rule, *table[1:], *(["", *_remarks(self)] if _remarks(self) else [])]

    def section(self) -> str:
        """The same as a part of a model card, between the marks by which the next evaluation finds it."""
        rows = [HEAD, ("---", "---:", "---", "---:", "---", "---", "---"), *_rows(self)]
        table = ["| " + " | ".join(row) + " |" for row in rows]
        remarks = [f"- {remark}" for remark in _remarks(self)]
        how = f"`nada evaluate`, {self.protocol['size']} px; the whole protocol is in `results.json`."
        return "\n".join([BEGIN, "## Evaluation", "", how, "", *table, "", *remarks, *([""] if remarks else []), END])


def _rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    rows = []
    for score in evaluation.scores:
        estimate = score.estimate
        marks = "".join(f" [{number}]" for number, doubt in _numbered(evaluation) if score.key in doubt.keys)
        interval = f"{_short(estimate.low)} to {_short(estimate.high)}"
        counts = " / ".join(map(str, dict.fromkeys(estimate.n)))
        numbers = score.title + marks, _short(estimate.value), interval, counts
        rows.append((*numbers, score.features, _BRIEF.get(score.resize, score.resize), score.better))
    return rows


def _numbered(evaluation: Evaluation) -> list[tuple[int, Doubt]]:
    """The doubts about some of the scores; what is about all of them needs no mark."""
    every = {score.key for score in evaluation.scores}
    return list(enumerate((doubt for doubt in evaluation.doubts if doubt.keys and set(doubt.keys) != every), 1))


def _remarks(evaluation: Evaluation) -> list[str]:
    marked = _numbered(evaluation)
    numbered = [f"[{number}] {doubt.text}" for number, doubt in marked]
    general = [doubt.text for doubt in evaluation.doubts if doubt not in [other for _, other in marked]]
    return [*numbered, *general, *_left_out(evaluation)]


def _left_out(evaluation: Evaluation) -> list[str]:
    """What is not there, those of one reason in one line."""
    by_reason: dict[str, list[str]] = {}
    for name, why in evaluation.left_out.items():
        by_reason.setdefault(why, []).append(name)
    return [f"Left out: {', '.join(names)}: {why}" for why, names in by_reason.items()]


def _short(value: float) -> str:
    """Four digits; small numbers of distances have three, and no exponent until they are very small."""
    if 1e-2 <= abs(value) < 10 or value == 0:
        return f"{value:.4f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.4g}"


def _widths(rows: list[tuple[str, ...]]) -> list[int]:
    return [max(len(row[column]) for row in rows) for column in range(len(HEAD))]


def _narrowed(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The names of features cut short where the table would be too wide; the line above it and the record have them."""
    widths = _widths(rows)
    over = sum(widths) + 2 * (len(widths) - 1) - WIDEST
    if over <= 0:
        return rows
    room = max(widths[_FEATURES] - over, _LEAST_OF_A_NAME)
    return [(*row[:_FEATURES], _cut(row[_FEATURES], room), *row[_FEATURES + 1 :]) for row in rows]


def _cut(name: str, room: int) -> str:
    return name if len(name) <= room else name[: room - 1] + "…"


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    return [
        cell.rjust(width) if column in _RIGHT else cell.ljust(width) for column, (cell, width) in enumerate(zip(row, widths))
    ]
