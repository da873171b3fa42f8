"""What ends a run before its time, how it goes on from there, and that nothing bad is lost."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import re
import signal
from pathlib import Path

import pytest
import torch
from fakes import tiny_generator
from tiny_adaptation import run

from nada import checkpoints
from nada.adaptation import plan as planning
from nada.adaptation import run as running
from nada.adaptation.run import run_adaptation
from nada.clip import Guide
from nada.config.adapt import AdaptConfig
from nada.errors import NadaError, UsageError
from nada.runs import load_state


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


def test_what_is_finished_is_left_alone(config: AdaptConfig) -> None:
    """Catches a result written anew for fewer steps than were taken, and a record that forgets what was asked."""
    folder = run(dataclasses.replace(config, stop=False))
    kept = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for steps in (None, 4):
        said: list[str] = []
        outcome = run_adaptation(AdaptConfig(resume=str(folder), steps=steps), announce=said.append)
        assert said[-1] == f"already finished: 6 steps (all steps taken); --steps above 6 takes it further: {folder}"
        assert outcome.result == json.loads((folder / "result.json").read_text())
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == kept


def test_a_prolonged_run_that_was_stopped_goes_on_to_its_new_length(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches advice after Ctrl-C that leads to the old length, and a shorter one that hides the steps taken."""
    folder = run(dataclasses.replace(config, stop=False, steps=2))
    resume = AdaptConfig(resume=str(folder))
    with monkeypatch.context() as patch:
        patch.setattr(running.Interrupts, "requested", True, raising=False)
        patch.setattr(running.Interrupts, "__init__", lambda self: setattr(self, "_previous", {}))
        assert run_adaptation(dataclasses.replace(resume, steps=5), announce=str).result is None
    with pytest.raises(UsageError, match="is at step 3 already; give more than --steps 2"):
        run(dataclasses.replace(resume, steps=2))
    said: list[str] = []
    assert run_adaptation(resume, announce=said.append).result["steps"] == 5
    assert said[-1] == f"run: {folder}"


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


def test_a_run_is_not_resumed_on_another_generator(config: AdaptConfig) -> None:
    folder = run(config)
    checkpoints.save_generator(Path(config.generator), tiny_generator(16, classes=2, seed=5))
    with pytest.raises(NadaError, match="weights differ"):
        run(AdaptConfig(resume=str(folder), out=config.out))


def test_a_nan_loss_ends_the_run_and_keeps_the_last_good_state(config: AdaptConfig, monkeypatch: pytest.MonkeyPatch) -> None:
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


def out_of_memory_at(call: int, patch: pytest.MonkeyPatch) -> None:
    """Let the guide's loss of that call end as on a GPU that is too small."""
    loss, calls = Guide.loss, []

    def failing(self: Guide, *arguments: object) -> object:
        calls.append(1)
        if len(calls) == call:
            raise torch.OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB."
            )
        return loss(self, *arguments)

    patch.setattr(Guide, "loss", failing)


def test_too_little_memory_in_the_middle_keeps_the_steps_so_far_and_says_how_to_go_on(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches steps that are lost, a draw that is passed over, and options that help but may not be given."""
    unbroken = run(config)
    with monkeypatch.context() as patch:
        out_of_memory_at(4, patch)
        with pytest.raises(NadaError, match=r"another 2\.00 GiB .*go on with --resume .*--accumulate") as caught:
            run(config)
    folder = re.search(r"--resume (\S+)", str(caught.value))[1]
    assert load_state(Path(folder) / "last.ckpt")["adaptation"]["step"] == 3
    resumed = run(AdaptConfig(resume=folder, out=config.out, accumulate=2, checkpointing=True, graph=False))
    assert json.loads((resumed / "config.json").read_text())["settings"]["accumulate"] == 2
    losses = [load_state(path / "last.ckpt")["losses"] for path in (unbroken, resumed)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)


def test_too_little_memory_in_the_first_step_leaves_no_state_to_go_on_from(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line tells of it; a state without steps would only keep options that do not fit the machine."""
    out_of_memory_at(1, monkeypatch)
    with pytest.raises(torch.OutOfMemoryError):
        run(config)
    assert not list(Path(config.out).glob("*/last.ckpt"))


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


def test_the_judge_can_end_the_run_and_its_best_weights_are_the_result(
    config: AdaptConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "LOOK_EVERY", 1)
    scores = iter([0.1, 0.5, 0.2, 0.2, 0.2, 0.2, 0.2])

    def scored(self: running.Watch) -> dict[str, float]:
        measures = {"judge/projection": next(scores), "judge/diversity": 1.0}
        self._remember(measures)
        return measures

    monkeypatch.setattr(running.Watch, "look", scored)
    outcome = run_adaptation(dataclasses.replace(config, steps=9), announce=lambda line: None)
    assert outcome.result["steps"] == 7 and outcome.result["best_step"] == 2
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
