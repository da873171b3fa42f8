from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nada.images import save_png

SMALL = ["--size", "8", "--batch", "4", "--channels", "6", "--z-dim", "4", "--w-dim", "6", "--device", "cpu"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "dots"
    draw = np.random.default_rng(0)
    for index in range(6):
        save_png(folder / "ab"[index % 2] / f"{index}.png", draw.integers(0, 256, (10, 10, 3), dtype=np.uint8))
    return folder


def nada_train(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nada", "train", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}


def test_two_real_steps(pictures: Path, tmp_path: Path) -> None:
    done = nada_train("--data", pictures, *SMALL, "--kimg", "0.008", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "result.json").read_text())["step"] == 2
    assert "2 steps of 4 pictures" in done.stdout and "loss" in (folder / "metrics.jsonl").read_text()


def test_a_dry_run_writes_nothing(pictures: Path, tmp_path: Path) -> None:
    done = nada_train("--data", pictures, *SMALL, "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "6 pictures" in done.stdout and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--data", "nowhere"], 1, "there is no data at nowhere"),
        (["--data", "nowhere", "--size", "7"], 2, "--size must be a power of two"),
        ([], 2, "--data is missing"),
        (["--resume", "latest"], 1, "there is no run"),
    ],
)
def test_a_mistake_costs_one_line(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    done = nada_train(*arguments, cwd=tmp_path)
    assert done.returncode == code and message in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_sigterm_leaves_a_run_that_can_be_resumed(pictures: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nada", "train", "--data", str(pictures), *SMALL, "--kimg", "40"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
    )
    _wait_for(lambda: any(path.stat().st_size for path in tmp_path.glob("runs/*/metrics.jsonl")))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "go on with: nada train --resume" in errors
    (folder,) = (tmp_path / "runs").iterdir()
    step = json.loads((folder / "result.json").read_text())["step"]
    kimg = str((step + 1) * 4 / 1000)
    resumed = nada_train("--resume", "latest", "--kimg", kimg, cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((folder / "result.json").read_text())["step"] == step + 1


def _wait_for(happened, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "the run did not start"
        time.sleep(0.1)
