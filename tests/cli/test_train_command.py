from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_runs import make_dots

from nada.cli import main

SMALL = [
    *("--size", "8", "--batch", "4", "--channels", "6", "--z-dim", "4", "--w-dim", "6"),
    *("--device", "cpu", "--precision", "fp32", "--metrics-num", "4", "--log-steps", "1"),
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dots(tmp_path_factory.mktemp("data") / "dots")


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """The command inside this process: exit code, standard output and error."""
    with pytest.raises(SystemExit) as caught:
        main(["train", *map(str, arguments)])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


@pytest.fixture(autouse=True)
def untouched_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's settings of the process are not for the one that runs the tests."""
    monkeypatch.setattr("nada.allocator.tune_allocator", lambda: False)


def test_torchrun_trains_with_the_bundled_judge(pictures: Path, tmp_path: Path) -> None:
    """The whole command in two processes: one speaks and writes, and leaves what one process would."""
    import torch

    if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
        pytest.skip("this torch was built without gloo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port]
    options = ["-m", "nada", "train", "--data", str(pictures), *SMALL, "--kimg", "0.008"]
    environment = {**_environment(), "GLOO_SOCKET_IFNAME": loopback}
    done = subprocess.run([*start, *options], cwd=tmp_path, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    result = json.loads((folder / "result.json").read_text())
    assert result["step"] == 2 and result["best"]["fd_demo_judge"] > 0
    assert done.stdout.count("2 steps of 4 pictures") == 1 and "fd_demo_judge" in done.stdout


def test_a_dry_run_writes_nothing(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output, _ = call(capsys, "--data", pictures, *SMALL, "--dry-run")
    assert code == 0 and "6 pictures" in output and list(tmp_path.iterdir()) == []


def test_a_slice_of_time_ends_well_and_says_how_to_go_on(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output, _ = call(capsys, "--data", pictures, *SMALL, "--metrics", "none", "--duration", "0.0001")
    (folder,) = (tmp_path / "runs").iterdir()
    assert code == 0 and f"go on with: nada train --resume runs/{folder.name}" in output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--data", "nowhere"], 1, "there is no data at nowhere"),
        (["--data", "nowhere", "--size", "7"], 2, "--size must be a power of two"),
        ([], 2, "--data is missing"),
        (["--resume", "latest"], 1, "there is no run"),
        (["--loss", "hinges"], 2, "'hinges' is not one of"),
    ],
)
def test_a_mistake_costs_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given, _, errors = call(capsys, *arguments)
    assert given == code and message in errors
    assert "Traceback" not in errors and len(errors.strip().splitlines()) == 1


def test_the_help_is_in_sections(capsys: pytest.CaptureFixture[str]) -> None:
    _, output, _ = call(capsys, "--help")
    headings = [line for line in output.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings[:3] == ["Data:", "Networks:", "Training:"] and len(headings) == 8


def test_sigterm_leaves_a_run_that_can_be_resumed(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-m", "nada", "train", "--data", str(pictures), *SMALL, "--metrics", "none", "--kimg", "40"]
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
    monkeypatch.chdir(tmp_path)
    assert call(capsys, "--resume", "latest", "--kimg", kimg)[0] == 0
    assert json.loads((folder / "result.json").read_text())["step"] == step + 1


def _wait_for(happened, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "the run did not start"
        time.sleep(0.1)
