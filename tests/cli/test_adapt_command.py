"""`nada adapt` as a user runs it: a process, its output, its exit code, with the bundled generator and guide."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes import tiny_generator

from nada.checkpoints import save_generator
from nada.cli import main

PROMPTS = ("--source", "image", "--target", "minimal logo")


def nada(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "nada", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A short run with everything at its default; several tests look at it."""
    cwd = tmp_path_factory.mktemp("bundled")
    return cwd, nada("adapt", *PROMPTS, "--steps", "3", "--checkpoint-every", "1", cwd=cwd)


def test_the_default_runs_and_says_what_ran(bundled: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    cwd, done = bundled
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[0]
    for word in ("generator demo (64 px, 4 classes)", "guide demo", "judge demo-judge", " kernels, late:2"):
        assert word in first
    assert re.search(r", cpu (bf16|fp32), (fused|torch) .*kernels", first), "which precision and kernels were picked"
    assert (cwd / "runs/00000-image-to-minimal-logo/before-after.png").is_file()
    assert "tensorboard --logdir runs" in done.stdout


def test_nothing_in_a_default_run_warns(bundled: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    assert "arning" not in bundled[1].stderr


def test_the_result_is_a_generator_for_the_next_run(bundled: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    cwd, _ = bundled
    run = "runs/00000-image-to-minimal-logo"
    done = nada("adapt", "--generator", run, "--source", "logo", "--target", "pencil sketch", "--steps", "1", cwd=cwd)
    assert done.returncode == 0, done.stderr


def test_a_config_file_repeats_a_run_and_flags_win(bundled: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    cwd, _ = bundled
    config = "runs/00000-image-to-minimal-logo/config.json"
    done = nada("adapt", "--config", config, "--seed", "7", "--dry-run", cwd=cwd)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["options"]["target"] == "minimal logo" and plan["options"]["steps"] == 3
    assert plan["settings"]["seed"] == 7


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    done = nada("adapt", *PROMPTS, "--method", "official", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["settings"]["layers"].startswith("auto-official:") and plan["settings"]["noise"] == "independent"
    assert plan["guide"]["encoders"][0]["antialias"] is False
    assert not list(tmp_path.iterdir())


def test_words_outside_the_vocabulary_name_a_real_guide(tmp_path: Path) -> None:
    done = nada("adapt", "--source", "photo", "--target", "xylographic zeppelin", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0
    assert "zeppelin" in done.stderr and "ViT-B-32/openai" in done.stderr


def test_sigint_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    save_generator(tmp_path / "tiny", tiny_generator(16))
    command = [sys.executable, "-m", "nada", "adapt", *PROMPTS, "--generator", "tiny", "--judge", "none", "--batch", "2"]
    process = subprocess.Popen(
        [*command, "--steps", "100000", "--sample-every", "100000"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    record = tmp_path / "runs/00000-image-to-minimal-logo/metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (record.is_file() and record.read_text().count("\n") > 3):
        assert process.poll() is None and time.monotonic() < deadline, "the run ended or hung before its fourth step"
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "--resume" in stderr and "Traceback" not in stderr
    steps = record.read_text().count("\n") + 2
    done = nada("adapt", "--resume", "latest", "--steps", str(steps), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["step"] for line in record.read_text().splitlines()] == list(range(1, steps + 1))


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        (["--source", "image"], 2, "Say where to go"),
        (["--target", "logo"], 2, "belong together"),
        (["--source", "image", "--target", " "], 2, "target"),
        ([*PROMPTS, "--layers", "last:2"], 2, "late:N"),
        ([*PROMPTS, "--layers", "affine@const:2"], 2, "groups"),
        ([*PROMPTS, "--generator", "missing.pkl"], 1, "missing.pkl"),
        ([*PROMPTS, "--clip", "ViT-B-3/openai"], 2, "ViT-B-32"),
        ([*PROMPTS, "--clip", "ViT-B-32=missing.pt"], 1, "missing.pt"),
        ([*PROMPTS, "--device", "cuda:9"], 2, "cuda:9"),
        ([*PROMPTS, "--steps", "many"], 2, "many"),
        ([*PROMPTS, "--sample-every", "0"], 2, "--sample-every must be at least 1"),
        ([*PROMPTS, "--checkpoint-every", "-1"], 2, "--checkpoint-every must be at least 1"),
        ([*PROMPTS, "--class", "pear"], 2, "apple, lemon, mango, raspberry"),
        ([*PROMPTS, "--target-images", "nowhere"], 1, "nowhere"),
        ([*PROMPTS, "--out", "file/runs"], 1, "file"),
        (["--resume", "latest"], 1, "run"),
    ],
)
def test_a_mistake_costs_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["adapt", *arguments])
    assert result.exit_code == code and words in result.stderr, result.stderr
    assert len(result.stderr.splitlines()) == 1 and result.stderr.startswith("nada: ")
    assert {path.name for path in tmp_path.iterdir()} == {"file"}


def test_a_traceback_can_be_asked_for(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nada", "adapt", *PROMPTS, "--generator", "missing.pkl"],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "NADA_TRACEBACK": "1"},
    )  # fmt: skip
    assert "Traceback" in done.stderr and done.returncode != 0
