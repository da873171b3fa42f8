"""Trainings of a few steps on a few pictures, and a process that starts them by forking, which saves loading torch anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nada.checkpoints import hash_generator, load_generator
from nada.config.train import TrainConfig
from nada.images import save_png

REPOSITORY = Path(__file__).parents[1]

NURSERY = """
import json, os, sys
import torch._dynamo, torch.utils.tensorboard  # what a training would load by and by
from nada.config.train import TrainConfig
from nada.config.fields import from_json
from nada.errors import NadaError
from nada.training.run import run_training
for line in sys.stdin:
    asked = json.loads(line)
    if "wait" in asked:
        answer = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
    else:
        answer = os.fork()
        if answer == 0:
            os.environ.update(asked["environment"])
            try:
                outcome = run_training(from_json(TrainConfig, asked["options"]), say=lambda line: None)
            except NadaError as error:
                os._exit(error.exit_code)
            os._exit(0 if outcome is None or outcome.finished else 130)
    print(answer, flush=True)
"""


def make_dots(folder: Path, count: int = 6, size: int = 10) -> Path:
    """Pictures of noise in two classes, `a` and `b`."""
    draw = np.random.default_rng(0)
    for index in range(count):
        save_png(folder / "ab"[index % 2] / f"{index}.png", draw.integers(0, 256, (size, size, 3), dtype=np.uint8))
    return folder


def tiny_config(data: Path, out: Path, **changes: Any) -> TrainConfig:
    """Four steps on an 8 px network, every step in the record, nothing measured."""
    sizes = {"size": 8, "batch": 4, "channels": "6", "z_dim": 4, "w_dim": 6}
    lengths = {"kimg": 0.016, "snapshot_kimg": 0.008, "samples_kimg": 0.008, "metrics_kimg": 0.008, "log_steps": 1}
    rest = {"metrics": "none", "metrics_num": 6, "device": "cpu", "precision": "fp32"}
    return TrainConfig(**{**sizes, **lengths, **rest, "data": str(data), "out": str(out), **changes})


def quiet(line: str) -> None:
    """Swallow what a run says."""


def weights_of(folder: Path) -> str:
    """The hash of the generator that a run has saved."""
    return hash_generator(load_generator(str(folder / "generator")))


def steps_in(folder: Path) -> list[int]:
    """The steps that have a line in the record, so far."""
    path = folder / "metrics.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    return [json.loads(line)["step"] for line in lines if line.endswith("\n")]


class Nursery:
    """A process with torch and the package loaded, which forks one training after the other."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def _ask(self, **asked: Any) -> int:
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self, config: TrainConfig, **environment: str) -> int:
        """Start a training; returns its process number."""
        return self._ask(options=asdict(config), environment=environment)

    def wait(self, process: int) -> int:
        """Wait for the end of a training; returns its exit code, negative for a signal."""
        return self._ask(wait=process)

    def close(self) -> None:
        """End the process; what it forked must have ended."""
        self._process.communicate(timeout=60)
