"""`run_study`: from options to a folder with all cells and what they say, begun or gone on with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from nada.config.study import StudyConfig
from nada.errors import UsageError
from nada.files import make_folder
from nada.runs import Interrupts
from nada.study.cell import Cell, make_record, read_record, write_record
from nada.study.cluster import Cluster
from nada.study.concluding import conclude
from nada.study.crew import Crew
from nada.study.estimate import estimate
from nada.study.plan import Plan, make_study
from nada.study.progress import Progress, Say
from nada.study.setup import CELLS, Known, grown, keep, read_known
from nada.study.shards import take_shard
from nada.study.workshop import Order


@dataclass(frozen=True)
class Study:
    """How a study stands: `failed` and `missing` count cells of the whole grid that is in the folder."""

    folder: Path
    cells: int
    failed: int
    missing: int
    interrupted: bool = False


def run_study(config: StudyConfig, say: Say) -> Study | None:
    """Make the cells that are not there yet, then tables and report. The same call goes on with what was interrupted.

    Cells are made in processes of their own, so a script that calls this needs `if __name__ == "__main__":`.

    Args:
        say: told, line by line, what is done.

    Returns:
        How the study stands; None for a dry run.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for what cannot be read or written, or a folder that holds another study. A cell that fails raises
            nothing: it is recorded with its error, and counted.
    """
    out = Path(config.out)
    before = read_known(out)
    if config.report_only:
        if before is None:
            raise UsageError(f"--report-only: there is no study in {out}; name its folder with --out.")
        return _concluded(out, before, say)
    take_shard([], config.shard)
    plan = make_study(config, before)
    say(plan.headline())
    say(plan.gridline())
    for left_out, same in plan.known.aliases.items():
        say(f"{left_out} selects what {same} does, and is done once.")
    if plan.judge_guides:
        say("The judge is a guide of these adaptations, and will like what it asked for; give another --judge.")
    known = grown(out, before, plan.known)
    if before and before.versions != plan.known.versions:
        say(_other_versions(before.versions, plan.known.versions))
    cells = take_shard(_in_order(plan.known.grid.cells()), config.shard)
    records = {cell.key: read_record(out / CELLS / cell.key, plan.known.setup.digest) for cell in cells}
    todo = [cell for cell in cells if _is_open(records[cell.key], config.retry_failed)]
    say(_what_is_there(len(cells), len(todo), config.shard))
    if todo:
        say(estimate(plan, todo, [record for record in records.values() if record]))
    if config.dry_run:
        for cell in todo:
            say(f"  {cell.title()}")
        return None
    keep(out, before, known)
    interrupted = _make(plan, out, len(cells), todo, say)
    if interrupted:
        return Study(out, len(cells), 0, len(todo), True)
    return _concluded(out, known, say)


def _other_versions(then: dict[str, Any], now: dict[str, Any]) -> str:
    changed = [f"{name} {then.get(name)}" for name in then | now if then.get(name) != now.get(name)]
    return f"The study was begun with {', '.join(changed)}; cells that are made now may differ in their last digits."


def _in_order(cells: list[Cell]) -> list[Cell]:
    """The cells as they are made: one seed after the other, so that an unfinished study has all policies."""
    seeds = list(dict.fromkeys(cell.seed for cell in cells))
    return sorted(cells, key=lambda cell: seeds.index(cell.seed))


def _is_open(record: dict[str, Any] | None, retry: bool) -> bool:
    return record is None or (retry and record["error"] is not None)


def _what_is_there(count: int, todo: int, shard: str | None) -> str:
    part = f"shard {shard}: {count} cells, " if shard else ""
    return f"{part}{count - todo} are there, {todo} to do"


def _make(plan: Plan, out: Path, count: int, todo: list[Cell], say: Say) -> bool:
    """Make cells; returns whether it was interrupted."""
    if not todo:
        return False
    digest = plan.known.setup.digest
    crew = _crew(plan, out)
    with Interrupts() as interrupts, Progress(say, count, count - len(todo)) as progress, crew:
        for outcome in crew.work(todo, lambda: interrupts.requested):
            record = outcome.record
            if outcome.problem is not None:
                record = make_record(outcome.cell, digest, error=outcome.problem)
                write_record(make_folder(out / CELLS / outcome.cell.key), record)
            if record is not None:
                progress.note(outcome.cell, record)
        return interrupts.requested


def _crew(plan: Plan, out: Path) -> Crew | Cluster:
    told = orders(plan, out)
    return Crew(told) if plan.config.ray is None else Cluster(plan.config.ray, told[0], plan.config.jobs)


def orders(plan: Plan, out: Path) -> list[dict[str, Any]]:
    """What each job is told; where several share GPUs, each gets one in turn."""
    config, setup = plan.config, plan.known.setup.to_dict()
    gpus = torch.cuda.device_count() if plan.device == "cuda" and config.ray is None else 0  # Ray shows a task its own
    devices = [f"cuda:{job % gpus}" if gpus else plan.device for job in range(config.jobs)]
    return [asdict(Order(setup, str(out.resolve()), device, config.weights)) for device in devices]


def _concluded(out: Path, known: Known, say: Say) -> Study:
    digest = known.setup.digest
    cells = known.grid.cells()
    found = [record for cell in cells if (record := read_record(out / CELLS / cell.key, digest))]
    failed = sum(record["error"] is not None for record in found)
    conclude(out, found, known.for_tables(), say)
    missing = len(cells) - len(found)
    if missing:
        say(f"{missing} of {len(cells)} cells are missing; the tables are of those that are there.")
    if failed:
        say(f"{failed} cells failed; study.csv says why, --retry-failed makes them again.")
    return Study(out, len(cells), failed, missing)
