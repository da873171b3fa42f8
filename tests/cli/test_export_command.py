"""`nada export` as a person calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from export_runs import make_adaptation
from fake_hub import FakeHub
from fake_hub import fake_hub as fake_hub

from nada.checkpoints import hash_generator, load_generator
from nada.cli import main


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, words)])


@pytest.fixture(autouse=True)
def a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_adaptation(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    for setter in ("tune_allocator", "tune_threads"):  # the test's own process keeps its settings
        monkeypatch.setattr(f"nada.allocator.{setter}", lambda: None)


def test_the_newest_run_into_a_folder(tmp_path: Path) -> None:
    result = run("--to", "out", "--license", "mit")
    assert result.exit_code == 0, result.output
    assert hash_generator(load_generator("out")) in result.stdout.splitlines()[-1]
    assert "model.safetensors" in result.stdout and f"written to {tmp_path / 'out'}" in result.stdout
    assert "licence is unknown" not in result.stderr and "--base hf:owner/name" in result.stderr


def test_a_dry_run_for_the_hub_asks_nobody(hub: FakeHub) -> None:
    result = run("latest", "--to", "hf:someone/logo", "--dry-run")
    assert result.exit_code == 0 and "would be written to hf:someone/logo" in result.stdout and hub.asked == []


def test_to_the_hub(hub: FakeHub) -> None:
    result = run("latest", "--to", "hf:someone/logo", "--public")
    assert result.exit_code == 0 and f"written to {hub.url}/someone/logo" in result.stdout
    assert not hub.repositories["someone/logo"].private


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "Missing destination"),
        (("nothing", "--to", "x"), 2, "There is no generator 'nothing'"),
        (("--to", "x", "--only", "model"), 2, "Invalid value for '--only'"),
        (("--to", "hf:x", "--dry-run"), 2, "hf:owner/name"),
        (("--to", "runs"), 1, "no export of nada; choose another folder"),
    ],
)
def test_mistakes_cost_one_line(words: tuple[str, ...], code: int, message: str) -> None:
    result = run(*words)
    assert result.exit_code == code and message in result.stderr and result.stderr.count("\n") == 1
    assert not result.stdout
