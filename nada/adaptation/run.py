"""`nada adapt`: an adaptation with everything around it, kept in a run folder that can be resumed exactly."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from nada.adaptation.card import model_card
from nada.adaptation.loop import Adaptation, StepReport
from nada.adaptation.plan import Plan, make_plan
from nada.adaptation.precision import allow_fast_matmuls
from nada.adaptation.watch import Watch
from nada.checkpoints import save_adaptation
from nada.config.adapt import AdaptConfig
from nada.config.fields import from_json, read_options
from nada.config.resuming import asked_otherwise
from nada.errors import NadaError, UsageError, lack_of_memory
from nada.files import read_json, write_json, write_text
from nada.images import before_after, save_png
from nada.models import Generator, with_weights
from nada.runs import Interrupts, create_run, find_run, load_state, save_tensors
from nada.track import Tracker

SAMPLES = 8
SAMPLE_TRUNCATION = 0.7  # without conditions; with some, the mean style is a mixture of them, so none is taken
LOOK_EVERY = 10
STATE, RESULT = "last.ckpt", "result.json"
JUDGED = "the judge saw no further gain"
_SPARING = ("device", "accumulate", "checkpointing", "graph")  # a matter of memory; the steps are the same but for rounding
_FREE = ("resume", "steps", "out", "dry_run", *_SPARING)  # what may differ between a run and its continuation


class Outcome(NamedTuple):
    """Where a run lies and what `result.json` holds; `result` is None if it was interrupted before its end."""

    folder: Path
    result: dict[str, Any] | None


def run_adaptation(
    config: AdaptConfig, announce: Callable[[str], None], into: Path | None = None, given: Collection[str] = ()
) -> Outcome:
    """Make or resume a run and work on it until its end or the first SIGINT or SIGTERM.

    Args:
        announce: told, in single lines, what is about to run and where.
        into: an empty folder that a new run is made in, instead of the next numbered one in `config.out`.
        given: names of options that were written out, so that a resumed run cannot pass over them.

    Raises:
        UsageError: for options that make no sense, or are others than those of the run resumed.
        NadaError: for bad input, a folder that cannot be written, a loss that is no longer finite, or too little memory
            after the first step; in the last three cases the last good state lies in the run folder.
        torch.OutOfMemoryError: for too little memory before that.
    """
    folder = None
    if config.resume is not None:
        folder = find_run(config.resume, config.out, containing=STATE, command="adapt")
        config = _resumed_config(folder, config, given)
    plan = make_plan(config)
    if folder is not None and config.precision == "auto":  # what it was then, whatever this machine would choose
        plan = plan.in_precision(read_json(folder / "config.json")["settings"]["precision"])
    if plan.device.type == "cuda":
        allow_fast_matmuls()
    announce(plan.headline())
    if folder is None:
        about = f"{config.source or 'source'} to {config.target or 'target pictures'}"
        folder = into or create_run(config.out, about)
    elif read_json(folder / "config.json")["generator_sha256"] != plan.generator_sha256:
        raise NadaError(f"{config.generator} is not the generator that {folder} was started with; its weights differ.")
    elif (result := _finished(folder, plan, announce)) is not None:
        return Outcome(folder, result)
    record = plan.describe()  # once: it reads every guide's file to hash it
    write_json(folder / "config.json", record)
    announce(f"run: {folder}")
    return _Run(plan, folder, record).work()


def _resumed_config(folder: Path, asked: AdaptConfig, given: Collection[str] = ()) -> AdaptConfig:
    """The options the run was started with, only its length and what it needs changed if that was asked for."""
    kept = from_json(AdaptConfig, read_options(AdaptConfig, folder / "config.json"))
    changed = asked_otherwise(asked, kept, given)
    for name in changed:
        if name not in _FREE:
            raise UsageError(f"--resume goes on with the options of {folder}; --{name.replace('_', '-')} cannot change.")
    others = {name: getattr(asked, name) for name in _SPARING if name in changed}
    return dataclasses.replace(kept, steps=asked.steps or kept.steps, resume=str(folder), **others)


def _finished(folder: Path, plan: Plan, announce: Callable[[str], None]) -> dict[str, Any] | None:
    """The result of a run that has nothing left to do, once that is announced; None where there are steps to take.

    Raises UsageError where fewer steps are asked for than it has taken without having finished.
    """
    result = read_json(folder / RESULT) if (folder / RESULT).is_file() else {"steps": None}
    taken, steps = load_state(folder / STATE)["adaptation"]["step"], plan.settings.steps
    if result["steps"] != taken:
        if taken > steps:
            raise UsageError(f"{folder} is at step {taken} already; give more than --steps {steps}.")
        return None
    judged = result["ended"] == JUDGED
    if taken < steps and not judged:
        return None
    more = "" if judged else f"; --steps above {taken} takes it further"
    announce(f"already finished: {taken} steps ({result['ended']}){more}: {folder}")
    return result


class _Run:
    def __init__(self, plan: Plan, folder: Path, record: dict[str, Any]) -> None:
        self.plan, self.folder, self.record = plan, folder, record
        self.adaptation = Adaptation(plan.generator, plan.guide, plan.settings)
        if plan.guide.needs_source_images:
            plan.guide.set_source_images(self.adaptation.source_pictures())
        self.watch = Watch(self.adaptation, plan.judge) if plan.judge else None
        self.losses: list[float] = []
        self.seconds = 0.0
        if (folder / STATE).is_file():
            self._load(load_state(folder / STATE))
        self.source_samples = self._sample(plan.generator)

    def _sample(self, generator: Generator) -> np.ndarray:
        """The same pictures of any generator; of the chosen classes or prompts in turn, where it has any."""
        classes = self.plan.settings.classes
        labels = [classes[seed % len(classes)] for seed in range(SAMPLES)] if classes else None
        truncation = 1.0 if generator.config.condition_dim else SAMPLE_TRUNCATION
        return generator.sample(range(SAMPLES), truncation, labels, batch=self.adaptation.at_once)

    def _load(self, state: dict[str, Any]) -> None:
        self.adaptation.load_state_dict(state["adaptation"])
        self.losses, self.seconds = state["losses"], state["seconds"]
        if self.watch and state["watch"]:
            self.watch.load_state_dict(state["watch"])

    def _save(self) -> None:
        watch = self.watch.state_dict() if self.watch else None
        state = {"adaptation": self.adaptation.state_dict(), "watch": watch}
        save_tensors(self.folder / STATE, {**state, "losses": self.losses, "seconds": self.seconds})

    @property
    def _stopped_by_judge(self) -> bool:
        return bool(self.plan.stops and self.watch and self.watch.should_stop)

    def work(self) -> Outcome:
        """Take the steps that are left, then write the result."""
        try:
            return self._work()
        except torch.OutOfMemoryError as error:
            if self.adaptation.step == 0:
                raise
            lack = lack_of_memory(error)
        with suppress(torch.OutOfMemoryError):  # out of the handler, since the error holds what the step had computed
            self._save()
        saved = (self.folder / STATE).is_file()
        way = f"go on with --resume {self.folder} and" if saved else "start again with"
        raise NadaError(f"{lack}; {way} a larger --accumulate, --checkpointing, --no-graph or another --device.")

    def _work(self) -> Outcome:
        steps, start = self.plan.settings.steps, self.adaptation.step
        with Interrupts() as interrupts, Tracker(self.folder, start) as tracker:
            if start == 0:
                tracker.text("options", f"```json\n{json.dumps(self.record, indent=1)}\n```")
            with tqdm(total=steps, initial=start, unit="step", disable=None) as bar:
                while self.adaptation.step < steps and not self._stopped_by_judge:
                    self._advance(tracker, bar)
                    if interrupts.requested:
                        self._save()
                        return Outcome(self.folder, None)
            return Outcome(self.folder, self._finish(tracker))

    def _advance(self, tracker: Tracker, bar: tqdm) -> None:
        try:
            report = self.adaptation.advance()
        except NadaError as error:
            self._save()
            raise NadaError(f"{error} The last good state is in {self.folder / STATE}.") from error
        self.losses.append(report.loss)
        self.seconds += report.seconds
        tracker.scalars(report.step, self._record(report))
        bar.set_postfix(loss=f"{report.loss:.3f}", refresh=False)
        bar.update()
        config, last = self.plan.config, report.step == self.plan.settings.steps
        if report.step % config.sample_every == 0 or last:
            self._show(tracker)
        if report.step % config.checkpoint_every == 0 or last:
            self._save()

    def _record(self, report: StepReport) -> dict[str, float]:
        """One line of the record; how far the weights have moved and what the judge sees only now and then."""
        values = {"loss/total": report.loss, **report.scalars}
        values |= {"step/lr": self.plan.settings.lr, "step/seconds": report.seconds}
        if report.step % LOOK_EVERY == 0 or report.step == self.plan.settings.steps:
            changes = self.adaptation.weight_changes()
            values |= {f"weight_change/{block}": change for block, change in changes.items()}
            values |= self.watch.look() if self.watch else {}
        if self.adaptation.selection.adaptive:
            modules = {name.split(".conv")[0] for name in report.chosen}
            values |= {f"chosen/{block}": float(block in modules) for block in self.plan.generator.block_names}
        return values

    def _labels(self) -> tuple[str, str]:
        config = self.plan.config
        return f"source: {config.source or 'generator'}", f"adapted: {config.target or 'towards the target pictures'}"

    def _show(self, tracker: Tracker) -> None:
        adapted = self._sample(self.adaptation.adapted_generator())
        step = self.adaptation.step
        picture = before_after(self.source_samples, adapted, self._labels())
        save_png(self.folder / "samples" / f"step-{step:06d}.png", picture)
        tracker.images(step, "samples", picture)

    def _finish(self, tracker: Tracker) -> dict[str, Any]:
        plan = self.plan
        keep_best = bool(plan.stops and self.watch and self.watch.best_weights)
        weights = self.watch.best_weights if keep_best else self.adaptation.weights()
        adapted = with_weights(plan.generator, weights)
        result = self._result(self.watch.best_step if keep_best else self.adaptation.step)
        save_adaptation(
            self.folder / "adaptation.safetensors",
            weights,
            {
                "base": plan.config.generator,
                "base_sha256": plan.generator_sha256,
                "layers": plan.settings.layers,
                "target": plan.config.target or "target pictures",
            },
        )
        picture = before_after(self.source_samples, self._sample(adapted), self._labels())
        save_png(self.folder / "before-after.png", picture, {"nada": json.dumps(self.record["options"])})
        tracker.images(self.adaptation.step, "before-after", picture)
        options = {**self.record["options"], **self.record["settings"]}
        options["generator_sha256"] = plan.generator_sha256
        write_text(self.folder / "README.md", model_card(options, result, self.record["guide"]))
        self._save()
        write_json(self.folder / RESULT, result)
        return result

    def _result(self, best_step: int) -> dict[str, Any]:
        return {
            "steps": self.adaptation.step,
            "best_step": best_step,
            "ended": JUDGED if self._stopped_by_judge else "all steps taken",
            "first_loss": self.losses[0],
            "last_loss": self.losses[-1],
            "parameters": self.plan.parameters,
            "seconds": round(self.seconds, 2),
            "seconds_per_step": round(self.seconds / max(len(self.losses), 1), 4),
            "judge": self.plan.judge.names[0] if self.plan.judge else None,
            "judged": self.watch.measures if self.watch else {},
            "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
