"""How long the cells that are left will take: by those that are done, else by a few steps taken for that."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from nada.adaptation.loop import Adaptation
from nada.adaptation.plan import make_plan
from nada.data.wording import plural
from nada.durations import in_words
from nada.study.cell import Cell
from nada.study.measuring import BATCH, Ruler
from nada.study.plan import Plan, adapt_config
from nada.study.results import NONE

LONG = 5.0  # seconds; a first step that takes longer is not followed by a second
STARTING = 5.0  # seconds until a worker has loaded what it needs


def estimate(plan: Plan, todo: Sequence[Cell], done: Sequence[dict[str, Any]]) -> str:
    """Return one line: how long the cells in `todo` will take on the jobs of a plan, and how that is known.

    Args:
        done: records of cells of the same study.
    """
    costs, how = _of_records(done), "by the cells that are there"
    if not costs:
        if plan.device != "cpu":
            return "how long it takes is seen when the first cells are done."
        costs, how = _of_steps(plan, todo), "by two steps and a few pictures just made"
    usual = sum(costs.values()) / len(costs)
    seconds = sum(costs.get(_kind(cell), usual) for cell in todo)
    jobs = min(plan.config.jobs, len(todo))
    each = seconds / len(todo)
    return f"about {in_words(STARTING + seconds / jobs)} on {plural(jobs, 'job')}, {each:.0f} s a cell ({how})"


def _kind(cell: Cell) -> str:
    """What decides how long a cell takes, roughly: layers that are chosen anew cost a pass more in every step."""
    return NONE if cell.policy == NONE else "adaptive" if cell.policy.startswith("auto") else "fixed"


def _of_records(done: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Mean seconds of each kind of cell; nothing without a cell that was adapted."""
    times: dict[str, list[float]] = {}
    for record in done:
        if record["error"] is None:
            times.setdefault(_kind(Cell.from_dict(record["cell"])), []).append(sum(record["seconds"].values()))
    return {kind: sum(own) / len(own) for kind, own in times.items()} if set(times) - {NONE} else {}


def _of_steps(plan: Plan, todo: Sequence[Cell]) -> dict[str, float]:
    """The same from two steps of a cell of each kind."""
    threads = torch.get_num_threads()
    torch.set_num_threads(plan.known.setup.threads)
    try:
        looking = _of_looking(plan.ruler)
        costs = {NONE: looking}
        for cell in todo:
            if _kind(cell) not in costs:
                costs[_kind(cell)] = looking + cell.steps * _of_step(plan, cell)
        return costs
    finally:
        torch.set_num_threads(threads)


def _of_step(plan: Plan, cell: Cell) -> float:
    config = adapt_config(cell, plan.known.setup, plan.device, Path(plan.config.out))
    made = make_plan(replace(config, steps=2))
    adaptation = Adaptation(made.generator, made.guide, made.settings)
    first = adaptation.advance().seconds
    return first if first > LONG else adaptation.advance().seconds


def _of_looking(ruler: Ruler) -> float:
    few = Ruler(ruler.source, ruler.judge, BATCH)
    begun = time.perf_counter()
    few.look(ruler.source, ())
    return (time.perf_counter() - begun) * ruler.num / BATCH
