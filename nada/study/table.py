"""The tables of a study: `study.csv`, a row per cell, and `study.json`, with everything that was made of them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nada.files import write_json, write_text
from nada.study.kinds import KINDS
from nada.study.pareto import FRONTS
from nada.study.ranking import Row, View, views_of
from nada.study.results import Cell, Place, Results

TIME = "seconds"
PLACE = ("source_prompt", "target_prompt", "classes", "policy", "lr", "seed", "steps")
HEAD = (*PLACE, "status", "error")
CRITERION = (
    "The best learning rate of a policy has the largest mean balance, among those without failed or missing cells where "
    "there are such. It is chosen on the numbers that are shown, which flatters; held_out gives every seed the rate that "
    "the other seeds chose."
)


def write_tables(out: Path, cells: Iterable[Mapping[str, Any]], setup: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write `study.csv` and `study.json` into `out`, each whole or not at all, and return their paths.

    Args:
        cells: what the `cell.json` files hold, in any order.
        setup: the grid (`pairs`, `policies`, `lrs`, `seeds`) and whatever else the numbers depend on.

    Raises:
        NadaError: when the place cannot be written.
    """
    results = Results(cells, setup)
    table = write_text(Path(out) / "study.csv", as_csv(results))
    return table, write_json(Path(out) / "study.json", as_json(results))


def as_csv(results: Results) -> str:
    """Return the cells in grid order, a row each; equal cells give equal bytes.

    The columns are the place in the grid, `status` (`ok` or `failed`) with the error's sentence, the measures of
    `KINDS` in their order, further ones behind them, and last the times, which all begin with `seconds`. Numbers are
    written in full (`repr`); what a cell does not have is empty. Classes are joined by a bar.
    """
    measures = [key for key in dict.fromkeys([*KINDS, *results.measures]) if not key.startswith(TIME)]
    times = _times(results)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*HEAD, *measures, *times])
    for cell in results.cells:
        seconds = _seconds(cell)
        numbers = [cell.value(key) for key in measures] + [seconds.get(key, math.nan) for key in times]
        writer.writerow([*_head(cell), *map(_number, numbers)])
    return buffer.getvalue()


def _head(cell: Cell) -> list[Any]:
    place = cell.place
    status = "ok" if cell.error is None else "failed"
    lr = "" if place.lr is None else repr(float(place.lr))
    seed = "" if place.seed is None else place.seed
    pair = [place.pair.source, place.pair.target, "|".join(place.pair.classes)]
    return [*pair, place.policy, lr, seed, cell.record["cell"].get("steps", ""), status, cell.error or ""]


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _seconds(cell: Cell) -> dict[str, float]:
    """The times of a cell; the parts stand behind the whole."""
    whole = {key: value for key, value in cell.measures.items() if key.startswith(TIME)}
    parts = {f"{TIME}_{key}": float(value) for key, value in (cell.record.get("seconds") or {}).items()}
    return {**whole, **parts}


def _times(results: Results) -> list[str]:
    return sorted({key for cell in results.cells for key in _seconds(cell)})


def as_json(results: Results) -> dict[str, Any]:
    """Return everything for programs: the setup, the cells, and per view the policies with their comparisons."""
    return {
        "format": 1,
        "setup": results.setup,
        "measures": {key: _kind(key) for key in results.measures if key in KINDS},
        "criterion": CRITERION,
        "counts": {
            "cells": len(results.cells),
            "failed": len(results.failed),
            "missing": len(results.missing),
        },
        "missing": [_place(place) for place in results.missing],
        "views": [_view(view) for view in views_of(results)],
        "cells": [_cell(cell) for cell in results.cells],
    }


def _kind(key: str) -> dict[str, Any]:
    kind = KINDS[key]
    return {"title": kind.title, "better": kind.better, "of": kind.of}


def _place(place: Place) -> dict[str, Any]:
    pair = place.pair
    return {
        "source": pair.source, "target": pair.target, "classes": list(pair.classes),
        "policy": place.policy, "lr": place.lr, "seed": place.seed,
    }  # fmt: skip


def _cell(cell: Cell) -> dict[str, Any]:
    return {**_place(cell.place), "measures": dict(cell.measures), "error": cell.error}


def _view(view: View) -> dict[str, Any]:
    return {
        "pair": view.pair and {**view.pair._asdict(), "classes": list(view.pair.classes)},
        "lr": "best" if view.lr is None else view.lr,
        "baseline": view.baseline,
        "policies": [_row(row, view) for row in [*view.rows, view.source]],
        "fronts": [{"reached": axes[0], "kept": axes[1], "policies": view.front(axes)} for axes in FRONTS],
    }


def _row(row: Row, view: View) -> dict[str, Any]:
    return {
        "policy": row.policy,
        "lr": row.lr,
        "ranked": view.is_ranked(row),
        "cells": {"expected": row.expected, "good": row.good, "failed": row.failed},
        "means": {key: found.to_dict() for key, found in row.spreads.items() if found.n},
        "held_out": row.held_out and row.held_out.to_dict(),
        "against_baseline": {key: found.to_dict() for key, found in row.comparisons.items()},
        "dominated_by": [
            {"reached": axes[0], "kept": axes[1], "policies": list(rivals)}
            for axes, rivals in row.dominated.items()
            if rivals
        ],
        "surely_dominated_by": list(row.surely),
    }
