"""One study in the hands of several: jobs that begin together, jobs with folders of their own, a reader in between."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
from pathlib import Path

import pytest
from study_makers import quiet, records, timeless, tiny_study

from nada.config.study import StudyConfig
from nada.errors import NadaError
from nada.files import locked
from nada.study import run_study, runner, setup
from nada.study.cell import make_record, read_record, write_record
from nada.study.plan import make_study

pytestmark = pytest.mark.usefixtures("made_up")


def test_of_two_jobs_that_grow_a_study_at_once_both_are_kept(tmp_path: Path) -> None:
    """Both have looked before either wrote; the second must not write over what the first has added."""
    first, second = (make_study(tiny_study(tmp_path, layers=(policy,)), None).known for policy in ("late:1", "all"))
    out = tmp_path / "study"
    setup.keep(out, first)
    assert setup.keep(out, second).grid.policies == ("none", "late:1", "all") == setup.read_known(out).grid.policies
    assert not list(out.glob(".*")) and (out / "cells").is_dir()
    with pytest.raises(NadaError, match="another number of pictures"):
        setup.keep(out, make_study(tiny_study(tmp_path, num=9), None).known)


def test_a_setup_that_another_job_is_writing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = make_study(tiny_study(tmp_path), None).known
    held = locked(tmp_path / "setup.json", "held")
    held.__enter__()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            held.__exit__(None, None, None)

    monkeypatch.setattr(setup.time, "sleep", sleep)
    (tmp_path / "tiny").rename(tmp_path.parent / f"{tmp_path.name}-tiny")  # a study's folder holds nothing else
    setup.keep(tmp_path, known)
    assert len(waits) == 3 and setup.read_known(tmp_path) == known


def test_shards_with_folders_of_their_own_are_put_together_by_copying_their_cells(tmp_path: Path) -> None:
    """Machines that share no disk: what one of them holds is the whole once the others' cells lie beside its own."""
    config = tiny_study(tmp_path, layers=("late:1",))
    run_study(config, quiet)
    parts = [dataclasses.replace(config, shard=f"{number}/2", out=str(tmp_path / str(number))) for number in range(2)]
    assert [run_study(part, quiet).missing for part in parts] == [1, 2]
    shutil.copytree(tmp_path / "1" / "cells", tmp_path / "0" / "cells", dirs_exist_ok=True)
    study = run_study(StudyConfig(out=str(tmp_path / "0"), report_only=True), quiet)
    assert (study.failed, study.missing) == (0, 0)
    assert timeless(tmp_path / "0") == timeless(config.out) and records(tmp_path / "0") == records(config.out)


def test_a_cell_that_another_job_has_made_is_not_marked_as_failed(tmp_path: Path) -> None:
    """Its worker died twice here, and meanwhile another job took it."""
    plan = make_study(tiny_study(tmp_path), None)
    cell, digest = plan.known.grid.cells()[1], plan.known.setup.digest
    good = make_record(cell, digest, {"content": 0.5})
    write_record(tmp_path, good)
    assert runner.record_failure(tmp_path, cell, digest, "died") == good == read_record(tmp_path, digest)
    write_record(tmp_path, make_record(cell, digest, error="before"))
    assert runner.record_failure(tmp_path, cell, digest, "died")["error"] == "died" == read_record(tmp_path, digest)["error"]


def test_an_interrupted_study_says_how_it_stands(tmp_path: Path) -> None:
    """What was made counts as there, and what other jobs have to do as missing."""

    def interrupt(line: str) -> None:
        if line.startswith("1/"):
            os.kill(os.getpid(), signal.SIGINT)

    config = tiny_study(tmp_path, layers=("late:1", "all"), shard="0/2")
    study = run_study(config, interrupt)
    there = len(records(config.out))
    assert study.interrupted and there and (study.cells, study.failed, study.missing) == (5, 0, 5 - there)


def test_other_kernels_are_said_as_other_versions_are(tmp_path: Path) -> None:
    """Compiled and plain operators add up in another order; what an older study did not write down is not guessed at."""
    known = make_study(tiny_study(tmp_path), None).known
    assert "kernels" in known.versions
    then = {**known.versions, "kernels": "torch kernels, on paper"}
    assert runner.other_versions(then, known.versions) == "kernels torch kernels, on paper"
    assert runner.other_versions({"torch": known.versions["torch"]}, known.versions) == ""
