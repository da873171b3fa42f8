"""The curves of the runs: loss and edit length over the steps, thinned and averaged over seeds."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nada.study.folders import folder_of
from nada.study.results import Pair, Results

POINTS = 40
METRICS = "metrics.jsonl"
# What is drawn, and the names under which a run records it; with several guides their mean is taken.
CURVES = {"loss": "loss/total", "edit length": "edit_length/"}


class Curve(NamedTuple):
    """Points of a curve: steps, the mean over seeds, and the least and the largest of them."""

    steps: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


Curves = dict[tuple[Pair, str, float], dict[str, Curve]]


def read_curves(out: Path, results: Results) -> Curves:
    """Return the curves by pair, policy, learning rate and name. Runs whose record is gone are left out."""
    found: dict[tuple[Pair, str, float], list[dict[str, list[tuple[float, float]]]]] = {}
    for cell in results.cells:
        place = cell.place
        if cell.error is None and place.lr is not None:
            series = _read(folder_of(out, cell.record) / METRICS)
            if series:
                found.setdefault((place.pair, place.policy, place.lr), []).append(series)
    return {where: {name: _joined([one.get(name, []) for one in runs]) for name in CURVES} for where, runs in found.items()}


def _read(path: Path) -> dict[str, list[tuple[float, float]]]:
    """Step and value of each curve of a run."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    records = [record for line in lines if (record := _record(line))]
    return {name: _points(records, tag) for name, tag in CURVES.items()}


def _record(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:  # the last line of a run that was killed
        return {}
    return record if isinstance(record, dict) and "step" in record else {}


def _points(records: Iterable[Mapping[str, Any]], tag: str) -> list[tuple[float, float]]:
    points = []
    for record in records:
        values = [value for key, value in record.items() if key.startswith(tag) and isinstance(value, (int, float))]
        if values:
            points.append((float(record["step"]), math.fsum(values) / len(values)))
    return points


def _joined(runs: list[list[tuple[float, float]]]) -> Curve:
    """The mean and the extremes of runs, at the steps that all of them have."""
    values: dict[float, list[float]] = {}
    for run in runs:
        for step, value in run:
            values.setdefault(step, []).append(value)
    steps = sorted(step for step, own in values.items() if len(own) == len(runs))
    rows = [values[step] for step in steps]
    means = [math.fsum(row) / len(row) for row in rows]
    return Curve(*map(_thinned, (steps, means, list(map(min, rows)), list(map(max, rows)))))


def _thinned(values: list[float]) -> tuple[float, ...]:
    """At most 40 numbers, each the mean of as many neighbours."""
    size = -(-len(values) // POINTS) or 1
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    return tuple(math.fsum(group) / len(group) for group in groups)
