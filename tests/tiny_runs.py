"""Trainings of a few steps on a few pictures, here or in a process that is there to be killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from nada.checkpoints import hash_generator, load_generator
from nada.config.fields import from_json
from nada.config.train import TrainConfig
from nada.errors import NadaError
from nada.images import save_png


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


def warm() -> None:
    """Load what a training would load by and by."""
    import torch._dynamo
    import torch.utils.tensorboard  # noqa: F401

    from nada.training import run  # noqa: F401


def work(options: dict[str, Any]) -> int:
    """A training in a process of a `Nursery`; returns its exit code."""
    from nada.training.run import run_training

    try:
        outcome = run_training(from_json(TrainConfig, options), say=quiet)
    except NadaError as error:
        return error.exit_code
    return 0 if outcome is None or outcome.finished else 130
