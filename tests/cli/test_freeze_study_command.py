"""`nada freeze-study` as a person meets it: its help, its exit codes, one line for a mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from study_makers import patch, tiny_study

from nada.cli import main
from nada.study import workshop


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options of a tiny study; the command's settings of the process are left out."""
    patch(monkeypatch.setattr)
    monkeypatch.setattr("nada.allocator.tune_allocator", bool)
    config = tiny_study(tmp_path, seeds="0")
    names = ("source", "target", "generator", "seeds", "steps", "batch", "num", "threads", "device", "precision", "out")
    return ["freeze-study", *(f"--{name}={getattr(config, name)}" for name in names), "--layers=late:1", "--lr=auto"]


def test_help_is_in_sections_with_examples() -> None:
    said = CliRunner().invoke(main, ["freeze-study", "--help"]).output
    assert all(word in said for word in ("The grid:", "The machine:", "--quick", "--shard", "--class", "--jobs 2"))


def test_a_study_ends_with_zero_and_tells_what_it_did(study: list[str]) -> None:
    result = CliRunner().invoke(main, study)
    assert result.exit_code == 0, result.output
    first = result.output.splitlines()[0]
    assert "guide demo, judge demo-judge, cpu fp32, 1 x 1 thread" in first and "16 px" in first
    assert "2 cells: 2 policies x 1 pair x 1 learning rate x 1 seed" in result.output
    assert "2/2  late:1: photo → ink sketch, lr" in result.output and "study.csv" in result.output


def test_a_failed_cell_is_in_the_exit_code(study: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "run_adaptation", lambda *_: 1 / 0)
    result = CliRunner().invoke(main, study)
    assert result.exit_code == 1 and "failed: ZeroDivisionError" in result.output and "--retry-failed" in result.output


@pytest.mark.parametrize(
    "wrong, code", [(["--shard=9/2"], 2), (["--layers=late:99"], 2), (["--pairs=absent"], 1), (["--seeds="], 2)]
)
def test_a_mistake_costs_one_line(study: list[str], wrong: list[str], code: int) -> None:
    result = CliRunner().invoke(main, [*study, *wrong])
    assert result.exit_code == code and result.stderr.count("\n") == 1 and result.stderr.startswith("nada: ")


def test_the_worker_loads_no_torch_before_its_memory_is_settled() -> None:
    """A spawned process imports the worker's module first; torch would take the allocator as it finds it."""
    code = "import nada.study.worker, sys; print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert run.stdout.strip() == "False", run.stderr
