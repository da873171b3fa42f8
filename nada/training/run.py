"""`run_training`: a training that owns a run folder, can be stopped at any step and goes on from there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from nada.checkpoints import save_generator
from nada.config.fields import from_json, read_options
from nada.config.train import TrainConfig
from nada.data import ImageDataset, load_dataset
from nada.errors import NadaError, UsageError
from nada.files import read_json
from nada.images import save_png
from nada.runs import (
    Interrupts,
    create_run,
    describe_environment,
    find_run,
    load_state,
    save_tensors,
    write_json,
    write_text,
)
from nada.track import Tracker
from nada.training.loop import train
from nada.training.plan import DEFAULT_KIMG, Plan, check_options, initial_generator, make_plan, start, steps_of
from nada.training.report import model_card, sample_grid
from nada.training.state import TrainingState

CHECKPOINT = "last.ckpt"
# What may differ between a run and its continuation; where it stands is not part of what it computes.
_FREE = ("kimg", "resume", "out", "device", "dry_run", "data")
_NOT_RECORDED = ("resume", "out", "dry_run")

Say = Callable[[str], None]


class TrainingOutcome(NamedTuple):
    """Where the run is, whether it reached its last step, and what `result.json` says."""

    folder: Path
    finished: bool
    result: dict[str, Any]


def run_training(config: TrainConfig, say: Say = print) -> TrainingOutcome | None:
    """Train as the options say; None after a dry run.

    The folder always holds a state to resume from: the last snapshot, or the last step when stopped by a signal
    or at the end. `say` is given one-line messages.

    Raises:
        UsageError: for options that make no sense or do not fit the data or the run resumed.
        NadaError: for data or checkpoints that cannot be used, and TrainingDiverged (a NadaError) when a loss stops
            being a number; the state of the last snapshot is kept.
    """
    folder = find_run(config.resume, config.out, CHECKPOINT) if config.resume else None
    if folder is not None:
        config = resumed_config(config, read_options(TrainConfig, folder / "config.json"))
    check_options(config)
    if config.data is None:
        raise UsageError("--data is missing: give a folder, a .zip or a .parquet file of pictures.")
    data = load_dataset(config.data, config.size, config.include, _progress)
    initial = initial_generator(config)
    plan = make_plan(config, data, initial)
    state = start(plan, config, initial)
    for line in describe_plan(plan, state):
        say(line)
    if config.dry_run:
        return None
    if folder is None:
        folder = _begin(config, plan, state)
    else:
        _check_data(plan, read_json(folder / "config.json"), folder)
        state.load_state_dict(load_state(folder / CHECKPOINT))
        say(f"resuming {folder} at step {state.step}")
    return _Run(folder, plan, say).go(state)


def resumed_config(given: TrainConfig, options: dict[str, Any]) -> TrainConfig:
    """The options of a run as recorded, with what may change taken from `given`.

    Raises UsageError where another option is given a value that is neither the recorded nor the default one.
    """
    saved = from_json(TrainConfig, options)
    default = TrainConfig()
    for name, value in asdict(given).items():
        if name not in _FREE and value not in (getattr(default, name), getattr(saved, name)):
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} cannot change when a run is resumed: it is {getattr(saved, name)}, not {value}.")
    return replace(
        saved,
        kimg=saved.kimg if given.kimg is None else given.kimg,
        data=given.data or saved.data,
        device=given.device if given.device != default.device else saved.device,
        out=given.out,
        resume=given.resume,
        dry_run=given.dry_run,
    )


def describe_plan(plan: Plan, state: TrainingState) -> list[str]:
    """Sentences that say what is going to be trained, for people."""
    data, counts = plan.data, plan.data.class_counts()
    classes = ", ".join(f"{name} {count}" for name, count in counts.items()) or "no classes"
    lines = [f"data: {len(data)} pictures, {data.images.shape[1]} px, {classes}"]
    if data.skipped:
        lines.append(f"left out: {len(data.skipped)} pictures that cannot be decoded: {_some(data.skipped)}")
    if data.ignored:
        lines.append(f"left out: {len(data.ignored)} files that are not pictures: {_some(data.ignored)}")
    sizes = [sum(p.numel() for p in network.parameters()) for network in (state.generator, state.discriminator)]
    lines.append(f"networks: generator {sizes[0]:,} parameters, discriminator {sizes[1]:,}, on {plan.device}")
    precision = "bf16" if plan.recipe.bf16 else "fp32"
    lines.append(f"training: {plan.steps} steps of {plan.recipe.batch} pictures, {precision}")
    return lines


def _some(names: tuple[str, ...], count: int = 5) -> str:
    return ", ".join(names[:count]) + (", …" if len(names) > count else "")


def _progress(records: Any, count: int) -> Any:
    return tqdm(records, total=count, desc="reading", unit="img", leave=False)


def _begin(config: TrainConfig, plan: Plan, state: TrainingState) -> Path:
    """A new run folder with its options and the state of step 0, so that it can be resumed from the start."""
    options = {key: value for key, value in asdict(config).items() if key not in _NOT_RECORDED}
    options |= {"data": str(Path(config.data or "").resolve()), "kimg": config.kimg or DEFAULT_KIMG}
    folder = create_run(config.out, f"train-{Path(options['data']).stem}-{config.size}px")
    record = {
        "command": "train",
        "options": options,
        "data": plan.data.describe(),
        "generator": plan.generator.to_dict(),
        "discriminator": plan.discriminator.to_dict(),
        "environment": describe_environment(),
    }
    write_json(folder / "config.json", record)
    save_tensors(folder / CHECKPOINT, state.state_dict())
    return folder


def _check_data(plan: Plan, recorded: dict[str, Any], folder: Path) -> None:
    if plan.data.describe()["sha256"] != recorded["data"]["sha256"]:
        raise NadaError(f"the pictures are not those that {folder} was trained on; name the right ones with --data.")


@dataclass
class _Run:
    """The side effects of a training: bar, record, snapshots, result."""

    folder: Path
    plan: Plan
    say: Say
    started: float = field(default_factory=time.perf_counter)

    def go(self, state: TrainingState) -> TrainingOutcome:
        """Train `state` to the end of the plan or to a signal, and write down what came of it."""
        first = state.step
        with Interrupts() as interrupts, Tracker(self.folder, first) as tracker:
            before = self._seconds_before()
            bar = tqdm(total=self.plan.steps, initial=first, unit="step", dynamic_ncols=True)

            def on_step(state: TrainingState, scalars: dict[str, float]) -> bool:
                seconds = before + time.perf_counter() - self.started
                tracker.scalars(state.step, {**scalars, "time/seconds": seconds})
                losses = (scalars["loss/generator"], scalars["loss/discriminator"])
                bar.set_postfix_str("G {:.2f} D {:.2f}".format(*losses), refresh=False)
                bar.update()
                if state.step % self.plan.snapshot_steps == 0:
                    self._snapshot(state, tracker)
                return interrupts.requested

            with bar:
                train(state, self.plan.data, self.plan.recipe, self.plan.steps, on_step)
            self._snapshot(state, tracker)
        result = self._finish(state, before + time.perf_counter() - self.started)
        return TrainingOutcome(self.folder, result["finished"], result)

    def _seconds_before(self) -> float:
        """The time that the part of the run behind us took, as its record says, once the tracker has trimmed it."""
        path = self.folder / "metrics.jsonl"
        lines = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
        return max((line["time/seconds"] for line in lines), default=0.0)

    def _snapshot(self, state: TrainingState, tracker: Tracker) -> None:
        grid = sample_grid(state.average)
        save_png(self.folder / "samples" / f"step-{state.step:06d}.png", grid)
        tracker.images(state.step, "samples", grid)
        kimg = state.step * self.plan.recipe.batch / 1000
        save_generator(self.folder / "generator", state.average, {"kimg": kimg, "seed": self.plan.recipe.seed})
        save_tensors(self.folder / CHECKPOINT, state.state_dict())

    def _finish(self, state: TrainingState, seconds: float) -> dict[str, Any]:
        result = {
            "finished": state.step >= self.plan.steps,
            "step": state.step,
            "steps": self.plan.steps,
            "kimg": state.step * self.plan.recipe.batch / 1000,
            "seconds": round(seconds, 1),
            "device": str(self.plan.device),
            "parameters": sum(p.numel() for p in state.average.parameters()),
        }
        write_json(self.folder / "result.json", result)
        card = model_card(read_json(self.folder / "config.json"), result, f"samples/step-{state.step:06d}.png")
        write_text(self.folder / "README.md", card)
        self.say(f"step {state.step} of {self.plan.steps}: {self.folder}")
        return result
