"""The run folder: what is in it, that it is resumed exactly, and that nothing bad is lost in it."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from fake_encoder import FakeEncoder
from fakes import tiny_generator
from nada import checkpoints
from nada.adaptation import plan as planning
from nada.adaptation import run as running
from nada.adaptation.run import run_adaptation
from nada.clip import Guide
from nada.config.adapt import AdaptConfig
from nada.errors import NadaError, UsageError
from nada.images import load_image, save_png
from nada.runs import load_state


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AdaptConfig:
    """A tiny generator in a folder, and fake encoders for guide and judge."""

    def guide(config: AdaptConfig, device: object) -> Guide:
        images = config.target_images
        return Guide([FakeEncoder("guide")], config.source, config.target, target_images=images, augment="independent")

    def judge(config: AdaptConfig, *_: object) -> Guide:
        return Guide([FakeEncoder("judge")], config.source, config.target, target_images=config.target_images)

    monkeypatch.setattr(planning, "_guide", guide)
    monkeypatch.setattr(planning, "_judge", judge)
    checkpoints.save_generator(tmp_path / "tiny", tiny_generator(16, classes=2))
    return AdaptConfig(
        source="photo", target="ink sketch", generator=str(tmp_path / "tiny"), steps=6, batch=2, lr=0.01, ema=0.5,
        sample_every=3, checkpoint_every=2, out=str(tmp_path / "runs"), device="cpu",
    )  # fmt: skip


def run(config: AdaptConfig) -> Path:
    return run_adaptation(config, announce=lambda line: None).folder


def test_a_run_folder_is_complete(config: AdaptConfig) -> None:
    folder = run(config)
    assert folder.name == "00000-photo-to-ink-sketch"
    names = {path.name for path in folder.iterdir()}
    assert names >= {"config.json", "metrics.jsonl", "samples", "before-after.png", "adaptation.safetensors",
                     "last.ckpt", "result.json", "README.md"}  # fmt: skip
    assert {path.name for path in (folder / "samples").iterdir()} == {"step-000003.png", "step-000006.png"}
    assert not [name for name in names if name.endswith(".tmp")]
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    keys = {"loss/total", "loss/guide", "cosine/guide", "edit_length/guide", "projection/guide", "step/lr", "step/seconds"}
    assert all(keys <= set(line) for line in lines)
    assert {"weight_change/b16", "weight_change/b8", "judge/projection", "judge/diversity"} <= set(lines[-1])
    card = (folder / "README.md").read_text()
    assert "# photo to ink sketch" in card and "before-after.png" in card and "late:2" in card
    recorded = json.loads((folder / "config.json").read_text())
    assert recorded["options"]["seed"] == 0 and recorded["settings"]["layers"] == "late:2"
    assert recorded["guide"]["encoders"][0]["name"] == "guide"


def test_tensorboard_can_read_the_curves_and_pictures(config: AdaptConfig) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run(config)), size_guidance={"images": 0})
    events.Reload()
    assert {"loss/guide", "projection/guide", "weight_change/b16", "judge/projection"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Images("samples")] == [3, 6]


def test_the_adaptation_is_only_what_moved_and_loads_onto_its_base(config: AdaptConfig) -> None:
    from safetensors.torch import load_file

    folder = run(dataclasses.replace(config, stop=False))
    tensors = load_file(folder / "adaptation.safetensors")
    base, adapted = checkpoints.load_generator(config.generator), checkpoints.load_generator(str(folder))
    before, after = base.state_dict(), adapted.state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} == set(tensors)
    state = load_state(folder / "last.ckpt")["adaptation"]
    assert all(torch.equal(tensors[name], value) for name, value in state["average"].items())


def test_the_same_seed_gives_the_same_bytes(config: AdaptConfig) -> None:
    first, second = run(config), run(config)
    assert second.name.startswith("00001-")
    for name in ("adaptation.safetensors", "before-after.png"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    other = run(dataclasses.replace(config, seed=1))
    assert (first / "adaptation.safetensors").read_bytes() != (other / "adaptation.safetensors").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signalled_run_resumed_equals_the_unbroken_one(
    config: AdaptConfig, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken = run(config)
    with monkeypatch.context() as patch:
        advance = running.Adaptation.advance

        def interrupted(self: running.Adaptation) -> object:
            report = advance(self)
            if self.step == 3:
                os.kill(os.getpid(), number)
            return report

        patch.setattr(running.Adaptation, "advance", interrupted)
        outcome = run_adaptation(config, announce=lambda line: None)
    assert outcome.result is None and load_state(outcome.folder / "last.ckpt")["adaptation"]["step"] == 3
    resumed = run_adaptation(AdaptConfig(resume="latest", out=config.out), announce=lambda line: None)
    assert resumed.folder == outcome.folder
    for name in ("adaptation.safetensors", "before-after.png"):
        assert (unbroken / name).read_bytes() == (resumed.folder / name).read_bytes()
    states = [load_state(folder / "last.ckpt") for folder in (unbroken, resumed.folder)]
    assert states[0]["losses"] == states[1]["losses"]
    assert torch.equal(states[0]["adaptation"]["rng"], states[1]["adaptation"]["rng"])
    moments = [state["adaptation"]["optimizer"]["state"] for state in states]
    assert all(torch.equal(moments[0][i]["exp_avg_sq"], moments[1][i]["exp_avg_sq"]) for i in moments[0])
    steps = [json.loads(line)["step"] for line in (resumed.folder / "metrics.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_a_resumed_run_keeps_its_options_and_can_be_made_longer(config: AdaptConfig) -> None:
    folder = run(dataclasses.replace(config, stop=False))
    resume = AdaptConfig(resume=str(folder), out=config.out)
    with pytest.raises(UsageError, match="--seed cannot change"):
        run(dataclasses.replace(resume, seed=5))
    with pytest.raises(UsageError, match="--checkpoint-every cannot change"):  # written out, although it is the default
        run_adaptation(resume, announce=lambda line: None, given=("checkpoint_every",))
    longer = run_adaptation(dataclasses.replace(resume, steps=8), announce=lambda line: None)
    assert longer.result["steps"] == 8
    unbroken = run(dataclasses.replace(config, stop=False, steps=8))
    assert (folder / "adaptation.safetensors").read_bytes() == (unbroken / "adaptation.safetensors").read_bytes()


def test_a_resumed_run_keeps_its_precision_on_a_machine_that_would_choose_another(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def going(precision: str) -> None:
        monkeypatch.setattr(planning, "choose_precision", lambda device, method: precision)

    going("fp32")
    unbroken, folder = run(config), run(dataclasses.replace(config, steps=3))
    going("bf16")
    run_adaptation(AdaptConfig(resume=str(folder), out=config.out, steps=6), announce=lambda line: None)
    assert (folder / "adaptation.safetensors").read_bytes() == (unbroken / "adaptation.safetensors").read_bytes()
    assert json.loads((folder / "config.json").read_text())["settings"]["precision"] == "fp32"


def test_the_first_line_says_what_auto_picked(config: AdaptConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "choose_precision", lambda device, method: "bf16" if method == "nada" else "fp32")
    for changes, wanted in (({}, "cpu bf16"), ({"method": "official"}, "cpu fp32"), ({"precision": "fp16"}, "cpu fp16")):
        changes = {"layers": "late:1", "steps": 1, **changes}
        lines: list[str] = []
        run_adaptation(dataclasses.replace(config, **changes), announce=lines.append)
        assert f", {wanted}, " in lines[0]


def test_a_run_looks_at_no_more_pictures_at_once_than_a_step_computes(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fits into memory as a step must not fail at its first sample or at the judge's look."""
    counts = []
    monkeypatch.setattr(running, "LOOK_EVERY", 1)
    synthesize = running.Generator.synthesize

    def counted(self: running.Generator, w: torch.Tensor, *rest: object) -> torch.Tensor:
        counts.append(len(w))
        return synthesize(self, w, *rest)

    monkeypatch.setattr(running.Generator, "synthesize", counted)
    run(dataclasses.replace(config, batch=4, accumulate=2, steps=2))
    assert max(counts) == 2


def test_a_run_is_not_resumed_on_another_generator(config: AdaptConfig) -> None:
    folder = run(config)
    checkpoints.save_generator(Path(config.generator), tiny_generator(16, classes=2, seed=5))
    with pytest.raises(NadaError, match="weights differ"):
        run(AdaptConfig(resume=str(folder), out=config.out))


def test_a_nan_loss_ends_the_run_and_keeps_the_last_good_state(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Guide.loss

    def poisoned(self: Guide, *arguments: object) -> object:
        result = original(self, *arguments)
        poisoned.calls += 1
        return result._replace(total=result.total * float("nan")) if poisoned.calls == 4 else result

    poisoned.calls = 0
    monkeypatch.setattr(Guide, "loss", poisoned)
    with pytest.raises(NadaError, match=r"NaN at step 4; .*lower --lr .*last\.ckpt"):
        run(config)
    state = load_state(Path(config.out) / "00000-photo-to-ink-sketch" / "last.ckpt")["adaptation"]
    assert state["step"] == 3 and all(value.isfinite().all() for value in state["weights"].values())


def test_a_full_disk_ends_in_one_sentence_and_the_earlier_state_stays(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def full(descriptor: int) -> None:
        state = Path(config.out) / "00000-photo-to-ink-sketch" / "last.ckpt"
        if state.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NadaError, match="disk is full"):
        run(config)
    monkeypatch.setattr(os, "fsync", fsync)
    folder = Path(config.out) / "00000-photo-to-ink-sketch"
    assert load_state(folder / "last.ckpt")["adaptation"]["step"] == 2
    assert run_adaptation(AdaptConfig(resume=str(folder), out=config.out), lambda line: None).result["steps"] == 6


def test_a_place_that_cannot_be_written_is_named(config: AdaptConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NadaError, match="file"):
        run(dataclasses.replace(config, out=str(tmp_path / "file" / "runs")))


def test_target_pictures_alone_and_with_words(config: AdaptConfig, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    for index in range(3):
        save_png(pictures / f"{index}.png", np.random.RandomState(index).randint(0, 255, (20, 24, 3), np.uint8))
    alone = dataclasses.replace(config, source=None, target=None, target_images=str(pictures))
    both = dataclasses.replace(config, target_images=str(pictures))
    results = [(run(c) / "adaptation.safetensors").read_bytes() for c in (alone, both, config)]
    assert len(set(results)) == 3
    (pictures / "notes.txt").write_text("not a picture")
    with pytest.raises(NadaError, match="notes.txt"):
        run(both)


def test_the_judge_can_end_the_run_and_its_best_weights_are_the_result(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LOOK_EVERY", 1)
    scores = iter([0.1, 0.5, 0.2, 0.2, 0.2, 0.2])

    def scored(self: running.Watch) -> dict[str, float]:
        measures = {"judge/projection": next(scores), "judge/diversity": 1.0}
        self._remember(measures)
        return measures

    monkeypatch.setattr(running.Watch, "look", scored)
    outcome = run_adaptation(config, announce=lambda line: None)
    assert outcome.result["steps"] == 6 and outcome.result["best_step"] == 2
    assert "judge saw no further gain" in outcome.result["ended"]
    assert outcome.result["judged"]["judge/projection"] == 0.5


def test_the_official_method_ends_with_its_last_step_whatever_the_judge_sees(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LOOK_EVERY", 1)
    config = dataclasses.replace(config, method="official", layers="auto-official:2", steps=8)
    results = [run_adaptation(c, announce=str).result for c in (config, dataclasses.replace(config, stop=True))]
    assert (results[0]["steps"], results[0]["best_step"]) == (8, 8)
    assert results[1]["best_step"] < 8


@pytest.mark.parametrize(
    "change, message",
    [
        ({"target": None, "source": None}, "--source"),
        ({"source": None}, "belong together"),
        ({"layers": "late:9"}, "3 blocks|has 3"),
        ({"classes": ("pear",)}, "class0, class1"),
        ({"target": "  "}, "target"),
        ({"generator": "no-such-file.pkl"}, "no-such-file.pkl"),
        ({"device": "tpu"}, "tpu"),
    ],
)
def test_bad_options_are_one_sentence_and_leave_no_folder(
    config: AdaptConfig, change: dict[str, object], message: str
) -> None:
    with pytest.raises(NadaError, match=message):
        run(dataclasses.replace(config, **change))
    assert not Path(config.out).exists()


def test_classes_by_name_and_the_picture_shows_them(config: AdaptConfig) -> None:
    folder = run(dataclasses.replace(config, classes=("class1",)))
    assert json.loads((folder / "config.json").read_text())["settings"]["classes"] == [1]
    assert load_image(folder / "before-after.png").shape[2] == 3
