"""`nada interpolate` as a person calls it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from domain_makers import adapted_run, save_base
from PIL import Image

from nada.cli import main


def call(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["interpolate", *words])
    return done.exit_code, done.stdout, done.stderr


def test_a_film_from_the_command_line(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base", classes=2)
    run = adapted_run(tmp_path / "run", base, "b16.conv1.weight")
    out = str(tmp_path / "walk.gif")
    words = ["--model", str(run), "--seeds", "1,2", "--class", "class1", "--frames", "5", "--loop", "--size", "32"]
    code, told, _ = call(*words, "--out", out, "--device", "cpu")
    first, last = told.splitlines()
    assert code == 0 and "16 px, 2 classes" in first and "5 frames of 32x32" in last
    with Image.open(out) as film:
        assert film.n_frames == 5 and film.size == (32, 32)
    assert call(*words, "--out", out, "--device", "cpu", "--label")[0] == 0, "a second film replaces the first"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_film_that_is_ended_leaves_nothing(tmp_path: Path, number: int) -> None:
    """Catches hidden halves of films after SIGTERM, which ends a process without its clean-ups if nobody listens."""
    base = save_base(tmp_path / "base")
    folder = tmp_path / "films"
    line = [sys.executable, "-m", "nada", "interpolate", "--model", str(base), "--frames", "10000", "--device", "cpu"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "OMP_NUM_THREADS": "1",
        "NADA_OPS": "reference",
    }
    process = subprocess.Popen(
        [*line, "--out", str(folder / "walk.gif")],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    try:
        end = time.monotonic() + 300  # a machine may be very busy
        while not (folder.is_dir() and list(folder.glob(".walk.gif.*.tmp"))):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(number)
        told = process.communicate(timeout=300)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130 and told.endswith("nada: interrupted.\n"), told
    assert not list(folder.iterdir())


def test_mistakes_cost_one_line(tmp_path: Path) -> None:
    out = ("--out", str(tmp_path / "walk.gif"))
    for words, code in ((("--space", "x"), 2), (("--seeds", "1", *out), 2), (("--model", str(tmp_path / "x.pkl"), *out), 1)):
        found = call(*words)
        assert found[0] == code and found[2].count("\n") == 1, found
