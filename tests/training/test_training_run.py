from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_encoder import FakeEncoder
from tiny_runs import make_dots, quiet, steps_in, weights_of

from nada.checkpoints import load_discriminator, load_generator
from nada.config.train import TrainConfig
from nada.errors import NadaError, UsageError
from nada.images import save_png
from nada.training import recorder, run_training
from nada.training import run as training_run


def test_a_run_leaves_everything_that_the_design_promises(config: TrainConfig) -> None:
    said: list[str] = []
    outcome = run_training(config, said.append)
    folder = outcome.folder
    assert folder.name.startswith("00000-") and outcome.finished
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "metrics.jsonl", "samples", "last.ckpt", "generator", "result.json", "README.md"} <= names
    assert "reals.png" in names and any(name.startswith("events.out.tfevents.") for name in names)
    assert sorted(path.name for path in (folder / "samples").iterdir()) == ["step-000002.png", "step-000004.png"]
    assert steps_in(folder) == [1, 2, 3, 4]
    record = json.loads((folder / "config.json").read_text())
    assert record["data"]["classes"] == {"a": 3, "b": 3} and len(record["data"]["skipped"]) == 1
    assert load_generator(str(folder)).config.class_names == ("a", "b")
    assert "cpu fp32" in said[0] and any("cannot be decoded" in line and "broken.png" in line for line in said)
    assert "samples/step-000004.png" in (folder / "README.md").read_text()


def test_the_curves_have_what_people_look_for(config: TrainConfig) -> None:
    folder = run_training(replace(config, path_length=1.0, log_steps=2), quiet).folder
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    wanted = {"loss/generator", "loss/discriminator", "loss/r1", "loss/path_length", "real/logit", "fake/logit", "lr"}
    wanted |= {"gradient/generator", "gradient/discriminator", "augment/probability", "progress/kimg", "time/seconds"}
    assert [line["step"] for line in lines] == [2, 4] and wanted <= set(lines[0])
    assert lines[1]["progress/kimg"] == 0.016
    board = b"".join(path.read_bytes() for path in folder.glob("events.out.tfevents.*"))
    assert all(tag.encode() in board for tag in (*wanted, "samples", "options/text_summary"))


def test_a_point_of_the_curves_is_the_mean_of_its_steps() -> None:
    """R1 comes every 16th step only: its mean is over the steps that have it."""
    means = recorder.Means()
    means.add({"loss": 1.0, "r1": 5.0})
    means.add({"loss": 2.0})
    assert means.take() == {"loss": 1.5, "r1": 5.0} and means.take() == {}


def test_a_run_stopped_by_a_signal_and_resumed_equals_an_unbroken_one(config: TrainConfig, monkeypatch) -> None:
    unbroken = run_training(config, quiet).folder
    monkeypatch.setattr(recorder.Tracker, "scalars", _signal_at(3, recorder.Tracker.scalars))
    stopped = run_training(config, quiet)
    assert stopped.ended == "interrupted" and steps_in(stopped.folder) == [1, 2, 3]
    monkeypatch.undo()
    resumed = run_training(TrainConfig(resume="latest", out=config.out), quiet)
    assert resumed.folder == stopped.folder and resumed.finished
    assert steps_in(resumed.folder) == [1, 2, 3, 4]
    assert weights_of(resumed.folder) == weights_of(unbroken)
    states = [torch.load(folder / "last.ckpt", weights_only=True) for folder in (resumed.folder, unbroken)]
    first, second = (state["discriminator"] for state in states)
    assert all(torch.equal(first[name], second[name]) for name in second)


def _signal_at(step: int, scalars):
    def send(tracker, now: int, values) -> None:
        scalars(tracker, now, values)
        if now == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return send


def test_a_duration_that_is_over_leaves_a_saved_run(config: TrainConfig) -> None:
    """The first slice is over after one step; the second has no limit, since none is kept."""
    outcome = run_training(replace(config, duration=1e-6), quiet)
    assert outcome.ended == "duration" and outcome.result["step"] == 1
    assert torch.load(outcome.folder / "last.ckpt", weights_only=True)["step"] == 1
    again = run_training(TrainConfig(resume="latest", out=config.out), quiet)
    assert again.finished and weights_of(again.folder) == weights_of(run_training(config, quiet).folder)


def test_a_finished_run_can_be_prolonged_but_not_changed(config: TrainConfig) -> None:
    short = run_training(replace(config, kimg=0.008), quiet).folder
    again = TrainConfig(resume=str(short), kimg=0.016, out=config.out)
    assert run_training(again, quiet).result["steps"] == 4
    assert weights_of(short) == weights_of(run_training(config, quiet).folder)
    with pytest.raises(UsageError, match="--lr cannot change when a run is resumed: it is 0.0025, not 1.0; .* --init"):
        run_training(replace(again, lr=1.0), quiet)
    with pytest.raises(UsageError, match="--batch cannot change when a run is resumed: it is 4, not 16"):
        run_training(again, quiet, given=("batch",))  # written out, although it is the default
    assert run_training(again, quiet, given=("cond", "precision")).finished, "auto asks for nothing else"


def test_a_prolonged_run_that_was_stopped_goes_on_to_its_new_length(config: TrainConfig, monkeypatch) -> None:
    """Catches advice after Ctrl-C that leads to the old length, and a result that is finished at "step 2 of 1"."""
    folder = run_training(replace(config, kimg=0.004), quiet).folder
    resume = TrainConfig(resume=str(folder), out=config.out)
    with monkeypatch.context() as patch:
        patch.setattr(recorder.Tracker, "scalars", _signal_at(2, recorder.Tracker.scalars))
        assert run_training(replace(resume, kimg=0.016), quiet).ended == "interrupted"
    with pytest.raises(UsageError, match="is at step 2 already, and --kimg gives it 1; give a larger --kimg"):
        run_training(replace(resume, kimg=0.004), quiet)
    outcome = run_training(resume, quiet)
    assert (outcome.result["step"], outcome.result["steps"]) == (4, 4)
    assert weights_of(folder) == weights_of(run_training(config, quiet).folder)


def test_what_is_finished_is_left_alone(config: TrainConfig) -> None:
    """Catches a result written anew for fewer steps than were taken."""
    folder = run_training(config, quiet).folder
    kept = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for kimg in (None, 0.004):
        said: list[str] = []
        outcome = run_training(TrainConfig(resume=str(folder), out=config.out, kimg=kimg), said.append)
        assert said[-1] == f"already finished: 4 steps; --kimg above 0.016 trains it further: {folder}"
        assert outcome.finished and outcome.result == json.loads((folder / "result.json").read_text())
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == kept
    (folder / "config.json").write_text('{"command": "adapt"}')
    with pytest.raises(UsageError, match="is a run of nada adapt, not of nada train"):
        run_training(TrainConfig(resume=str(folder / "last.ckpt"), out=config.out), quiet)


def test_a_run_goes_on_from_a_numbered_state(config: TrainConfig) -> None:
    folder = run_training(replace(config, keep=5), quiet).folder
    before, states = weights_of(folder), folder / "checkpoints"
    assert sorted(path.name for path in states.iterdir()) == ["step-000002.ckpt", "step-000004.ckpt"]
    outcome = run_training(TrainConfig(resume=str(states / "step-000002.ckpt"), out=config.out), quiet)
    assert outcome.folder == folder and steps_in(folder) == [1, 2, 3, 4] and weights_of(folder) == before


def test_resuming_on_other_pictures_is_refused(config: TrainConfig, tmp_path: Path) -> None:
    folder = run_training(config, quiet).folder
    for name in "ab":
        save_png(tmp_path / "other" / name / "0.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(NadaError, match="not those that .* was trained on"):
        run_training(TrainConfig(resume=str(folder), data=str(tmp_path / "other"), out=config.out), quiet)


def test_a_resumed_run_keeps_the_precision_it_began_in(config: TrainConfig, monkeypatch) -> None:
    """auto means something else on the next machine, and the run would no longer be exact."""
    monkeypatch.setattr("nada.training.plan.fast_precision", lambda device: "bf16")
    folder = run_training(replace(config, precision="auto", kimg=0.004), quiet).folder
    monkeypatch.setattr("nada.training.plan.fast_precision", lambda device: "fp32")
    said: list[str] = []
    run_training(TrainConfig(resume=str(folder), out=config.out, dry_run=True), said.append)
    assert "cpu bf16" in said[0]


def test_a_dry_run_writes_nothing_and_says_what_it_would_do(config: TrainConfig) -> None:
    said: list[str] = []
    assert run_training(replace(config, dry_run=True), said.append) is None
    assert not Path(config.out).exists()
    assert "6 pictures, 8 px, a 3, b 3" in said[1] and "4 steps of 4 pictures" in said[-1]


def test_training_can_start_from_a_run_that_needs_not_be_there_to_resume(config: TrainConfig, tmp_path: Path) -> None:
    """One step away from it, the weights are close to the given ones; fresh ones are not."""
    base = run_training(config, quiet).folder
    tuned = run_training(replace(config, init=str(base), kimg=0.004, lr=1e-4, ema_rampup=0.05, channels="9"), quiet).folder
    given, result = (load_generator(str(folder)).b4.const for folder in (base, tuned))
    assert 0 < (given - result).abs().max() < 1e-3
    with pytest.raises(UsageError, match="--init has 2 classes and the data 0"):
        run_training(replace(config, init=str(base), cond="none"), quiet)
    with pytest.raises(UsageError, match="give --size 8"):
        run_training(replace(config, init=str(base), size=16), quiet)
    base.rename(tmp_path / "gone")
    assert run_training(TrainConfig(resume=str(tuned), kimg=0.008, out=config.out), quiet).finished


def test_what_a_given_discriminator_cannot_follow_is_said(config: TrainConfig) -> None:
    """Catches options that look as if they had been heard."""
    base = run_training(config, quiet).folder
    for flag, change in {
        "spectral-norm": {"spectral_norm": True},
        "mbstd-group": {"mbstd_group": 1},
        "d-channels": {"d_channels": "7"},
    }.items():
        with pytest.raises(UsageError, match=f"--{flag} cannot change the discriminator that --init brings"):
            run_training(replace(config, init=str(base), **change), quiet)


def test_the_average_of_given_weights_remembers_them_from_the_start(config: TrainConfig) -> None:
    base = run_training(config, quiet).folder
    given = load_generator(str(base)).b4.const
    moved = {}
    for rampup in (None, 0.05):
        tuned = run_training(replace(config, init=str(base), kimg=0.04, ema_rampup=rampup), quiet).folder
        moved[rampup] = (load_generator(str(tuned)).b4.const - given).abs().mean().item()
    assert 0 < moved[None] < moved[0.05] / 10


def test_freezing_keeps_the_finest_blocks_of_the_given_discriminator(config: TrainConfig) -> None:
    base = run_training(config, quiet).folder
    tuned = run_training(replace(config, init=str(base), freeze_d=1, kimg=0.008), quiet).folder
    before, after = (torch.load(f / "last.ckpt", weights_only=True)["discriminator"] for f in (base, tuned))
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert {"b8.fromrgb.weight", "b8.conv0.weight", "b8.conv1.weight"} <= same
    assert not {"b4.conv.weight", "b4.out.weight"} & same
    with pytest.raises(UsageError, match="--freeze-d .* has no discriminator"):
        run_training(replace(config, init=str(base / "generator"), freeze_d=1), quiet)


def test_a_discriminator_that_is_there_but_cannot_be_read_is_not_called_missing(config: TrainConfig) -> None:
    """A person who hears that there is none would go on looking for a file that lies there, damaged."""
    given = run_training(config, quiet).folder / "generator"
    (given / "discriminator.json").write_text('{"format": "nada-discriminator", "version": 7}')
    said: list[str] = []
    run_training(replace(config, init=str(given), dry_run=True), said.append)
    assert any("cannot be read" in line and "version 7" in line for line in said), said
    with pytest.raises(UsageError, match="--freeze-d .* cannot be read"):
        run_training(replace(config, init=str(given), freeze_d=1), quiet)


def test_the_best_generator_is_kept_and_the_curve_stands_in_the_card(config: TrainConfig, monkeypatch) -> None:
    judge = FakeEncoder("fake judge", width=3)
    monkeypatch.setattr(training_run, "load_encoder", lambda spec, device: judge)
    outcome = run_training(replace(config, metrics="fake", kimg=0.032), quiet)
    folder = outcome.folder
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    curve = {line["step"]: line["metrics/fd_fake_judge"] for line in lines if "metrics/fd_fake_judge" in line}
    assert list(curve) == [2, 4, 6, 8]
    best = json.loads((folder / "best.json").read_text())
    assert best["step"] == min(curve, key=curve.get) and best["fd_fake_judge"] == min(curve.values())
    assert best["measured"]["pictures"] == 6 and best["measured"]["chance"] == 0.5 and not best["measured"]["held_out"]
    assert load_generator(str(folder / "best")).config.resolution == 8
    assert outcome.result["best"]["step"] == best["step"]
    card = (folder / "README.md").read_text()
    assert "| **0." in card and "it is no FID" in card and "trained on" in card
    # Measuring has no part in training.
    assert weights_of(folder) == weights_of(run_training(replace(config, kimg=0.032), quiet).folder)


def test_unconditional_training_ignores_folders(config: TrainConfig) -> None:
    folder = run_training(replace(config, cond="none", kimg=0.004), quiet).folder
    assert load_generator(str(folder)).config.num_classes == 0


def test_training_by_captions_goes_on_without_the_guide(config: TrainConfig, tmp_path: Path, monkeypatch) -> None:
    """What the guide read is kept, so that a resumed run has the same conditions to the bit."""
    texts = {f"{index}.png": text for index, text in enumerate(("red dot", "blue dot", "red dot", "green", "sky", "sea"))}
    data = _captioned(make_dots(tmp_path / "dots"), tmp_path / "captioned.zip", texts)
    guides: list[str] = []
    monkeypatch.setattr("nada.training.captions.load_encoder", lambda spec, device: guides.append(spec) or FakeEncoder())
    config = replace(config, data=str(data), cond="text", text_guide="fake", kimg=0.008)
    folder = run_training(config, quiet).folder
    generator = load_generator(str(folder))
    assert set(generator.config.prompts) == set(texts.values()) and generator.config.text_guide == "fake"
    assert torch.allclose(generator.mapping.prompt_embeddings.norm(dim=1), torch.ones(5))
    embeddings, judge = generator.mapping.prompt_embeddings, load_discriminator(str(folder)).mapping
    for mapping in (generator.mapping, judge):  # captions lie close together; both networks must tell them apart
        assert torch.allclose(mapping.text_centre, embeddings.mean(dim=0)) and mapping.text_spread < 1
    run_training(TrainConfig(resume=str(folder), kimg=0.016, out=config.out), quiet)
    assert guides == ["fake"]
    assert weights_of(folder) == weights_of(run_training(replace(config, kimg=0.016), quiet).folder)


def _captioned(folder: Path, target: Path, texts: dict[str, str]) -> Path:
    import zipfile

    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.name)
        archive.writestr("dataset.json", json.dumps({"labels": None, "texts": list(texts.items())}))
    return target
