"""A process that makes pictures and is killed: no half file, and the next one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from domain_makers import save_base

from nada.config.generate import GenerateConfig
from nada.generation import generate
from nada.generation.run import run_generation
from nada.images import load_image


def test_a_killed_run_leaves_no_half_file_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL: whatever has its name is whole, what has not is cleared away, and the rest is made as if nothing was."""
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    save_base(Path("base"), classes=3)
    line = [sys.executable, "-m", "nada", *"generate --model base --num 1000000 --device cpu --out out".split()]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}  # the kernels of this process
    process = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 300  # a machine may be very busy
        while not Path("out/seed0020.png").exists():
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    whole = [path.name for path in Path("out").glob("seed*.png")]
    assert 0 < len(whole) < 1_000_000
    Path("out/.seed0500.png.0123abcd.tmp").write_bytes(b"half")
    count = len(whole) + 30
    again = run_generation(GenerateConfig(model="base", num=count, device="cpu", out="out"), say=lambda line: None)
    there = sum(int(name[4:-4]) < count for name in whole)  # threads finish in no fixed order
    assert again.made + again.kept == count and again.kept == there > 0
    assert not [path for path in Path("out").iterdir() if path.suffix != ".png"]
    expected = {one.name: one.pixels for one in generate("base", range(count))}
    assert all(np.array_equal(load_image(Path("out") / name), pixels) for name, pixels in expected.items())
