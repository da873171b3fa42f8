"""What a person fears most: the machine goes down in the middle."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from nursery import Nursery
from tiny_runs import quiet, steps_in, weights_of

from nada.config.train import TrainConfig
from nada.errors import NadaError
from nada.training import TrainingDiverged, run_training

KILLS = 5
STEPS = 30


def test_a_run_killed_five_times_ends_with_the_bytes_of_the_unbroken_one(
    config: TrainConfig, nursery: Nursery, tmp_path: Path
) -> None:
    """At random moments; fails where a state is saved in two parts, or something that matters is in none of them."""
    config = replace(config, kimg=STEPS * 4 / 1000, snapshot_kimg=0.012, path_length=1.0, mixing=0.5, keep=2)
    unbroken = run_training(replace(config, out=str(tmp_path / "unbroken")), quiet).folder
    seed = random.SystemRandom().randrange(2**32)
    draw = random.Random(seed)
    for number in range(KILLS):
        process = nursery.start(_again(config))
        _wait_for_step(config, draw.randrange(number * STEPS // KILLS, (number + 1) * STEPS // KILLS))
        time.sleep(draw.uniform(0, 0.05))
        os.kill(process, signal.SIGKILL)
        assert nursery.wait(process) in (-signal.SIGKILL, 0), f"seed {seed}"
    assert nursery.wait(nursery.start(_again(config))) == 0
    (folder,) = Path(config.out).iterdir()
    name = "generator/model.safetensors"
    assert (folder / name).read_bytes() == (unbroken / name).read_bytes(), f"seed {seed}"
    first, second = (torch.load(path / "last.ckpt", weights_only=True) for path in (folder, unbroken))
    assert _flat(first) == _flat(second), f"seed {seed}"
    assert steps_in(folder) == list(range(1, STEPS + 1))
    assert not list(folder.rglob("*.tmp")), "what a killed process had begun to write stays for ever"
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == ["step-000027.ckpt", "step-000030.ckpt"]


def _flat(value: object) -> object:
    """Nested containers with the bytes of their tensors, which compare exactly."""
    if isinstance(value, dict):
        return {name: _flat(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_flat(part) for part in value]
    return value.contiguous().numpy().tobytes() if isinstance(value, torch.Tensor) else value


def _again(config: TrainConfig) -> TrainConfig:
    """As a person would: begin where there is nothing, else go on."""
    if any(Path(config.out).glob("*/last.ckpt")):
        return TrainConfig(resume="latest", out=config.out)
    return config


def _wait_for_step(config: TrainConfig, step: int) -> None:
    end = time.monotonic() + 60
    # Before there is a first state to go on from, a killed run is begun anew, in a folder of its own.
    while not any(max(steps_in(state.parent), default=0) >= step for state in Path(config.out).glob("*-*/last.ckpt")):
        assert time.monotonic() < end, "the training does not get on"
        time.sleep(0.002)


def test_a_full_disk_is_one_sentence_and_leaves_the_old_state(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced, states = os.replace, []

    def full(source: str, target: str) -> None:
        states.extend([target] if Path(target).name == "last.ckpt" else [])
        if len(states) == 3:  # those of steps 0 and 2 are written
            raise OSError(errno.ENOSPC, "No space left on device")
        replaced(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(NadaError, match="last.ckpt: the disk is full"):
        run_training(config, quiet)
    (folder,) = Path(config.out).iterdir()
    assert torch.load(folder / "last.ckpt", weights_only=True)["step"] == 2
    monkeypatch.undo()
    unbroken = run_training(replace(config, out=config.out + "2"), quiet).folder
    assert weights_of(run_training(TrainConfig(resume="latest", out=config.out), quiet).folder) == weights_of(unbroken)


def test_a_loss_that_is_no_number_keeps_the_last_good_state(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(logits: torch.Tensor, kind: str) -> torch.Tensor:
        calls.append(1)
        return logits.mean() * (float("nan") if len(calls) == 3 else 1.0)

    calls: list[int] = []
    said: list[str] = []
    monkeypatch.setattr("nada.training.update.generator_loss", broken)
    with pytest.raises(TrainingDiverged, match="at step 3.*lower --lr"):
        run_training(config, said.append)
    (folder,) = Path(config.out).iterdir()
    assert f"the state of step 2 is kept in {folder}" in said[-1]
    assert torch.load(folder / "last.ckpt", weights_only=True)["step"] == 2
    monkeypatch.undo()
    assert run_training(TrainConfig(resume=str(folder), out=config.out), quiet).finished
