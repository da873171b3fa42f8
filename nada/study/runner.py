"""`run_study`: from options to a folder with all cells and what they say, begun or gone on with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from nada.config.study import StudyConfig
from nada.data.wording import plural
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
    known = grown(out, before, plan.known)
    _announce(plan, before, say)
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
    keep(out, plan.known)
    interrupted = _make(plan, out, len(cells), todo, say)
    known = read_known(out) or known  # another job may have added to the grid meanwhile
    return _standing(out, known, _found(out, known), True) if interrupted else _concluded(out, known, say)


def _announce(plan: Plan, before: Known | None, say: Say) -> None:
    """Say what is asked for, and what is doubtful about it."""
    say(plan.headline())
    say(plan.gridline())
    for left_out, same in plan.known.aliases.items():
        say(f"{left_out} selects what {same} does, and is done once.")
    if plan.judge_guides:
        say("The judge is a guide of these adaptations, and will like what it asked for; give another --judge.")
    if before and (changed := other_versions(before.versions, plan.known.versions)):
        say(f"The study was begun with {changed}; cells that are made now may differ in their last digits.")


def other_versions(then: dict[str, Any], now: dict[str, Any]) -> str:
    """What a study was begun with that is different now, in words; empty where nothing is, or nothing is known."""
    return ", ".join(f"{name} {then[name]}" for name in then if then[name] != now.get(name))


def _in_order(cells: list[Cell]) -> list[Cell]:
    """The cells as they are made: one seed after the other, so that an unfinished study has all policies."""
    seeds = list(dict.fromkeys(cell.seed for cell in cells))
    return sorted(cells, key=lambda cell: seeds.index(cell.seed))


def _is_open(record: dict[str, Any] | None, retry: bool) -> bool:
    return record is None or (retry and record["error"] is not None)


def _what_is_there(count: int, todo: int, shard: str | None) -> str:
    part = f"shard {shard}: {count} cells, " if shard else ""
    return f"{part}{todo} to run, {count - todo} already done"


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
                record = record_failure(make_folder(out / CELLS / outcome.cell.key), outcome.cell, digest, outcome.problem)
            if record is not None:
                progress.note(outcome.cell, record)
        return interrupts.requested


def record_failure(folder: Path, cell: Cell, digest: str, problem: str) -> dict[str, Any]:
    """Write down that a cell could not be made, unless another process has made it meanwhile."""
    there = read_record(folder, digest)
    if there is not None and there["error"] is None:
        return there
    record = make_record(cell, digest, error=problem)
    write_record(folder, record)
    return record


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
    found = _found(out, known)
    conclude(out, found, known.for_tables(), say)
    study = _standing(out, known, found)
    if study.missing:
        say(f"{study.missing} of {plural(study.cells, 'cell')} are missing; the tables are of those that are there.")
    if study.failed:
        say(f"{plural(study.failed, 'cell')} failed; study.csv says why, --retry-failed makes them again.")
    return study


def _found(out: Path, known: Known) -> list[dict[str, Any]]:
    records = (read_record(out / CELLS / cell.key, known.setup.digest) for cell in known.grid.cells())
    return [record for record in records if record]


def _standing(out: Path, known: Known, found: list[dict[str, Any]], interrupted: bool = False) -> Study:
    cells = len(known.grid.cells())
    failed = sum(record["error"] is not None for record in found)
    return Study(out, cells, failed, cells - len(found), interrupted)
