from __future__ import annotations

import errno
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nada.checkpoints import hash_generator, load_generator
from nada.config.train import TrainConfig
from nada.errors import NadaError, UsageError
from nada.images import save_png
from nada.training import TrainingDiverged, run_training
from nada.training import run as training_run
from nada.training.plan import check_options, parse_channels


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures in two classes and one file that only claims to be one."""
    folder = tmp_path_factory.mktemp("data") / "dots"
    draw = np.random.default_rng(0)
    for index in range(6):
        save_png(folder / "ab"[index % 2] / f"{index}.png", draw.integers(0, 256, (10, 10, 3), dtype=np.uint8))
    (folder / "a" / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def config(pictures: Path, tmp_path: Path) -> TrainConfig:
    """Four steps on an 8 px network."""
    return TrainConfig(
        data=str(pictures),
        size=8,
        kimg=0.016,
        batch=4,
        channels="6",
        z_dim=4,
        w_dim=6,
        snapshot_kimg=0.008,
        device="cpu",
        out=str(tmp_path / "runs"),
    )


def quiet(line: str) -> None:
    """Swallow what a run says."""


def weights(folder: Path) -> str:
    return hash_generator(load_generator(str(folder / "generator")))


def steps_in(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_everything_that_the_design_promises(config: TrainConfig) -> None:
    said: list[str] = []
    outcome = run_training(config, said.append)
    folder = outcome.folder
    assert folder.name.startswith("00000-") and outcome.finished
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "metrics.jsonl", "samples", "last.ckpt", "generator", "result.json", "README.md"} <= names
    assert any(name.startswith("events.out.tfevents.") for name in names)
    assert sorted(path.name for path in (folder / "samples").iterdir()) == ["step-000002.png", "step-000004.png"]
    assert steps_in(folder) == [1, 2, 3, 4]
    record = json.loads((folder / "config.json").read_text())
    assert record["data"]["classes"] == {"a": 3, "b": 3} and len(record["data"]["skipped"]) == 1
    assert load_generator(str(folder)).config.class_names == ("a", "b")
    assert any("cannot be decoded" in line and "broken.png" in line for line in said)
    assert "samples/step-000004.png" in (folder / "README.md").read_text()


def test_a_run_stopped_by_a_signal_and_resumed_equals_an_unbroken_one(config: TrainConfig, monkeypatch) -> None:
    unbroken = run_training(config, quiet).folder
    monkeypatch.setattr(training_run.Tracker, "scalars", _signal_at(2, training_run.Tracker.scalars))
    stopped = run_training(config, quiet)
    assert not stopped.finished and steps_in(stopped.folder) == [1, 2]
    monkeypatch.undo()
    resumed = run_training(TrainConfig(resume="latest", out=config.out), quiet)
    assert resumed.folder == stopped.folder and resumed.finished
    assert steps_in(resumed.folder) == [1, 2, 3, 4]
    assert weights(resumed.folder) == weights(unbroken)
    states = [torch.load(folder / "last.ckpt", weights_only=True) for folder in (resumed.folder, unbroken)]
    first, second = (state["discriminator"] for state in states)
    assert all(torch.equal(first[name], second[name]) for name in second)


def _signal_at(step: int, scalars):
    def send(tracker, now: int, values) -> None:
        scalars(tracker, now, values)
        if now == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return send


def test_a_finished_run_can_be_prolonged_but_not_changed(config: TrainConfig) -> None:
    short = run_training(replace(config, kimg=0.008), quiet).folder
    again = TrainConfig(resume=str(short), kimg=0.016, out=config.out)
    assert run_training(again, quiet).result["steps"] == 4
    assert weights(short) == weights(run_training(config, quiet).folder)
    with pytest.raises(UsageError, match="--lr cannot change when a run is resumed: it is 0.0025, not 1.0"):
        run_training(replace(again, lr=1.0), quiet)


def test_resuming_on_other_pictures_is_refused(config: TrainConfig, tmp_path: Path) -> None:
    folder = run_training(config, quiet).folder
    for name in "ab":
        save_png(tmp_path / "other" / name / "0.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(NadaError, match="not those that .* was trained on"):
        run_training(TrainConfig(resume=str(folder), data=str(tmp_path / "other"), out=config.out), quiet)


def test_a_dry_run_writes_nothing_and_says_what_it_would_do(config: TrainConfig) -> None:
    said: list[str] = []
    assert run_training(replace(config, dry_run=True), said.append) is None
    assert not Path(config.out).exists()
    assert "6 pictures, 8 px, a 3, b 3" in said[0] and "4 steps of 4 pictures" in said[-1]


def test_a_loss_that_is_no_number_keeps_the_last_good_state(config: TrainConfig, monkeypatch) -> None:
    def broken(logits: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return logits.mean() * (float("nan") if len(calls) == 3 else 1.0)

    calls: list[int] = []
    monkeypatch.setattr("nada.training.loop.generator_loss", broken)
    with pytest.raises(TrainingDiverged, match="at step 3.*lower --lr"):
        run_training(config, quiet)
    (folder,) = Path(config.out).iterdir()
    assert torch.load(folder / "last.ckpt", weights_only=True)["step"] == 2
    monkeypatch.undo()
    assert run_training(TrainConfig(resume=str(folder), out=config.out), quiet).finished


def test_a_full_disk_is_one_sentence_and_leaves_the_old_state(config: TrainConfig, monkeypatch) -> None:
    replaced = os.replace

    def full(source: str, target: str) -> None:
        if str(target).endswith("step-000004.png"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replaced(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(NadaError, match="the disk is full"):
        run_training(config, quiet)
    (folder,) = Path(config.out).iterdir()
    assert torch.load(folder / "last.ckpt", weights_only=True)["step"] == 2


def test_training_can_start_from_a_generator(config: TrainConfig) -> None:
    """One step away from it, the weights are close to the given ones; fresh ones are not."""
    base = run_training(config, quiet).folder
    tuned = run_training(replace(config, init=str(base), kimg=0.004, lr=1e-4, channels="9"), quiet).folder
    given, result = (load_generator(str(folder)).b4.const for folder in (base, tuned))
    assert 0 < (given - result).abs().max() < 1e-3
    with pytest.raises(UsageError, match="--init has 2 classes and the data 0"):
        run_training(replace(config, init=str(base), cond="none"), quiet)
    with pytest.raises(UsageError, match="give --size 8"):
        run_training(replace(config, init=str(base), size=16), quiet)


def test_unconditional_training_ignores_folders(config: TrainConfig) -> None:
    folder = run_training(replace(config, cond="none", kimg=0.004), quiet).folder
    assert load_generator(str(folder)).config.num_classes == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 48}, "--size must be a power of two"),
        ({"batch": 0}, "--batch must be positive, not 0"),
        ({"lr": float("nan")}, "--lr must be positive"),
        ({"gamma": -1.0}, "--gamma must be at least 0"),
        ({"kimg": 0.0}, "--kimg must be positive"),
        ({"mixing": 1.5}, "--mixing is a probability"),
        ({"channels": "64,32,16"}, "--channels needs one number or 2 of them for 8 px"),
        ({"channels": "wide"}, "--channels is a width"),
        ({"channels": "4/512"}, "a BASE of at least 8"),
        ({"d_channels": "0"}, "--channels is a width"),
        ({"augment_kinds": "flip,spin"}, "--augment-kinds takes some of flip, shift, colour, cutout"),
        ({"data": None}, "--data is missing"),
        ({"device": "cuda:99"}, "cuda:99"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_sentence(config: TrainConfig, change: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        run_training(replace(config, **change), quiet)
    assert "\n" not in str(caught.value) and not Path(config.out).exists()


def test_class_conditions_need_classes(config: TrainConfig) -> None:
    with pytest.raises(UsageError, match="--cond class needs labelled data"):
        run_training(replace(config, data=str(Path(config.data) / "b"), cond="class"), quiet)


def test_channels_can_be_written_in_three_ways() -> None:
    assert parse_channels("64", 16) == (64, 64, 64)
    assert parse_channels("64, 32,16", 16) == (64, 32, 16)
    assert parse_channels("512/64", 32) == (64, 64, 32, 16)


def test_the_default_options_are_in_range() -> None:
    check_options(TrainConfig())
