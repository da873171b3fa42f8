"""Everything that a training does beside training: curves, bar, measurements, grids, states. One process does it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from tqdm import tqdm

from nada.checkpoints import save_generator
from nada.files import read_json, write_json
from nada.images import save_png
from nada.track import Tracker
from nada.training.folder import best_so_far, keep_if_best, save_samples, save_state, write_card
from nada.training.pace import Pace
from nada.training.plan import Plan
from nada.training.report import data_grid
from nada.training.state import TrainingState
from nada.training.watch import Watch

Say = Callable[[str], None]


class Means:
    """Numbers by name, of which the mean is taken from time to time; a name need not come every time."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, values: dict[str, float]) -> None:
        """Count one more value of each name."""
        for name, value in values.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = total + value, count + 1

    def take(self) -> dict[str, float]:
        """The means since the last time."""
        means = {name: total / count for name, (total, count) in self._sums.items()}
        self._sums.clear()
        return means


class Recorder:
    """Writes the run folder; open it for as long as the training lasts.

    Args:
        watch: what measures, or None for nothing.
        say: told in one line how far it is, where there is no bar.
    """

    def __init__(self, folder: Path, plan: Plan, state: TrainingState, watch: Watch | None, say: Say) -> None:
        self.folder, self.plan, self.watch, self.say = folder, plan, watch, say
        self._saved = self._first = state.step
        self._means = Means()
        self._pace = Pace(plan, self._tell)
        self._open = ExitStack()

    def __enter__(self) -> Recorder:
        first, batch = self._first, self.plan.recipe.batch
        self._tracker = self._open.enter_context(Tracker(self.folder, first))
        self._seconds = _seconds_before(self.folder)
        self._clock, self._flushed = time.perf_counter(), first
        if first == 0:
            self._introduce()
        bar = tqdm(
            total=self.plan.steps * batch,
            initial=first * batch,
            unit="img",
            unit_scale=True,
            dynamic_ncols=True,
            disable=None,
        )
        self._bar = self._open.enter_context(bar)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    def _introduce(self) -> None:
        """What the run is made of, in TensorBoard beside the curves."""
        record = json.dumps(read_json(self.folder / "config.json"), indent=1, ensure_ascii=False)
        self._tracker.text("options", f"```json\n{record}\n```")
        grid = data_grid(self.plan.material.data, self.plan.generator.prompts)
        save_png(self.folder / "reals.png", grid)
        self._tracker.images(0, "pictures", grid)

    def step(self, state: TrainingState, scalars: dict[str, float]) -> None:
        """Take note of one step, and do what is due after it."""
        plan, config, step = self.plan, self.plan.config, state.step
        self._means.add(scalars)
        self._pace.step(step)
        self._bar.set_postfix_str(_losses(scalars), refresh=False)
        self._bar.update(plan.recipe.batch)
        measured = self._measure(state) if plan.due(config.metrics_kimg, step) else {}
        snapshot = plan.due(config.snapshot_kimg, step)
        if snapshot or measured or step % config.log_steps == 0:
            self._flush(step, measured)
        if plan.due(config.samples_kimg, step):
            self._tracker.images(step, "samples", save_samples(self.folder, state.average, step))
        if snapshot:
            self.save(state)

    def _measure(self, state: TrainingState) -> dict[str, float]:
        if self.watch is None:
            return {}
        measured = self.watch.look(state.average)
        results = {name.removeprefix("metrics/"): value for name, value in measured.items()}
        facts = {**self.watch.facts, "distance": self.watch.distance, "held_out": self.plan.material.held_out}
        line = {"step": state.step, "kimg": self.plan.kimg(state.step), **results, "measured": facts}
        best = keep_if_best(self.folder, state.average, line, self.watch.distance)
        told = ", ".join(f"{name} {value:.4f}" for name, value in results.items())
        self._tell(f"{self.plan.kimg(state.step):.1f} thousand pictures: {told}{' (the best so far)' if best else ''}")
        return measured

    def _flush(self, step: int, measured: dict[str, float]) -> None:
        now = time.perf_counter()
        seconds, images = now - self._clock, (step - self._flushed) * self.plan.recipe.batch
        self._seconds += seconds
        self._clock, self._flushed = now, step
        progress = {
            "progress/kimg": self.plan.kimg(step),
            "time/seconds": self._seconds,
            "time/images_per_second": images / seconds,
        }
        self._tracker.scalars(step, {**self._means.take(), **measured, **progress})

    def _tell(self, line: str) -> None:
        with tqdm.external_write_mode(file=sys.stdout):
            self.say(line)

    def save(self, state: TrainingState) -> None:
        """Write the generator and the state to resume from."""
        if state.step == self._saved:
            return
        kimg = self.plan.kimg(state.step)
        save_generator(self.folder / "generator", state.average, {"kimg": kimg, "seed": self.plan.recipe.seed})
        save_state(self.folder, state, self.plan.config.keep)
        self._saved = state.step

    @property
    def saved_step(self) -> int:
        """The step that a resumed run would go on from."""
        return self._saved

    def finish(self, state: TrainingState, ended: str) -> dict[str, Any]:
        """Save what is not saved yet and write down what came of it; `ended` says why it is over."""
        if state.step > self._flushed:
            self._flush(state.step, {})
        if not any((self.folder / "samples").glob("step-*.png")):
            self._tracker.images(state.step, "samples", save_samples(self.folder, state.average, state.step))
        self.save(state)
        best = best_so_far(self.folder) or {}
        result = {
            "finished": state.step >= self.plan.steps,
            "ended": ended,
            "step": state.step,
            "steps": self.plan.steps,
            "kimg": self.plan.kimg(state.step),
            "seconds": round(self._seconds, 1),
            "device": str(self.plan.device),
            "parameters": sum(p.numel() for p in state.average.parameters()),
            "best": {name: value for name, value in best.items() if name != "measured"},
            "measured": best.get("measured", {}),
        }
        write_json(self.folder / "result.json", result)
        write_card(self.folder, result)
        return result


def _losses(scalars: dict[str, float]) -> str:
    return f"G {scalars['loss/generator']:.2f} D {scalars['loss/discriminator']:.2f}"


def _seconds_before(folder: Path) -> float:
    """The time that the part of the run behind us took, as its record says, once the tracker has trimmed it."""
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return float(json.loads(lines[-1])["time/seconds"]) if lines else 0.0
