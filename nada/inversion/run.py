"""`nada invert`: photographs into styles, through adaptations, and everything written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from tqdm import tqdm

from nada.config.invert import InvertConfig
from nada.files import locked, make_folder
from nada.images import save_png, to_uint8
from nada.inversion.api import Inverter
from nada.inversion.card import Row, write_report
from nada.inversion.keeping import TUNED, Place, places_of
from nada.inversion.measures import measure_errors
from nada.inversion.optimising import StepReport
from nada.inversion.plan import Plan, make_plan
from nada.inversion.result import Inversion
from nada.inversion.starts import Starts, join_starts
from nada.inversion.through import picture_of
from nada.inversion.tuning import tune
from nada.models import with_weights
from nada.runs import Interrupts

Say = Callable[[str], None]


class Outcome(NamedTuple):
    """How far an inversion has come; `skipped` has a sentence for every photograph that could not be read."""

    folder: Path
    photos: int
    done: int
    skipped: dict[str, str]
    finished: bool


class _Interrupted(Exception):
    """A signal came in the middle of an optimisation."""


def run_inversion(config: InvertConfig, photos: Sequence[str], say: Say) -> Outcome:
    """Invert `photos`, files or folders, as `config` says, and show them in the adaptations that it names.

    Photographs that are finished in `--out` already are kept, so that an interrupted run goes on. The first SIGINT or
    SIGTERM ends it, and what is finished then is written down.

    Args:
        say: told line by line what runs and what came out.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: if no photograph can be read, a network cannot be had, or the place cannot be written.
    """
    plan = make_plan(config, photos)
    out = make_folder(config.out)
    with locked(out / "results.json", f"another nada invert is writing to {out}; give another --out."):
        places = places_of(plan)
        say(plan.headline())
        for route in plan.routes:
            if route.in_mapping:
                say(f"note: what {route.name} moved in the mapping network does not reach styles that have been found.")
        with Interrupts() as interrupts:
            return _Run(plan, places, interrupts, say).work(out)


class _Run:
    def __init__(self, plan: Plan, places: list[Place], interrupts: Interrupts, say: Say) -> None:
        self.plan, self.places, self.interrupts, self.say = plan, places, interrupts, say
        self.rows: list[Row] = []
        self._inverter = Inverter(plan.generator, plan.perception, plan.settings, plan.dtype)

    def work(self, out: Path) -> Outcome:
        """Everything that is left to do, then the pictures, the sheet and the card."""
        interrupted = False
        try:
            starts = self._starts()
            for start in range(0, len(self.places), self.plan.batch):
                part = self.places[start : start + self.plan.batch]
                found = self._inverted(part, starts)
                self.rows += [self._row(place, found[place.index]) for place in part]
        except _Interrupted:
            interrupted = True
        if self.rows:
            write_report(self.plan, out, self.rows)
            for row in self.rows:
                self.say(row.line())
            self.say(f"\nPictures: {out / 'sheet.png'}\nErrors:   {out / 'README.md'}")
        skipped = self.plan.photos.skipped
        return Outcome(out, len(self.places), len(self.rows), skipped, not interrupted)

    def _starts(self) -> dict[int, Starts]:
        """The starts of all photographs that are not finished, by their places: one look at the samples serves all."""
        plan = self.plan
        missing = [place.index for place in self.places if place.kept() is None]
        if not missing:
            return {}
        pictures = torch.cat([plan.picture(index) for index in missing])
        numbers = [plan.classes[index] for index in missing]
        labels = None if None in numbers else torch.tensor(numbers, device=plan.device)
        with self._bar(plan.settings.samples, "looking for starts", "img") as bar:
            starts = self._inverter.find_starts(pictures, labels, lambda count: self._on_samples(bar, count))
        return {index: starts.some([row]) for row, index in enumerate(missing)}

    def _inverted(self, places: list[Place], starts: dict[int, Starts]) -> dict[int, Inversion]:
        """The inversions of some photographs; those that are there already are read."""
        found = {place.index: place.kept() for place in places if place.index not in starts}
        missing = [place for place in places if place.index in starts]
        if not missing:
            return found
        pictures = torch.cat([self.plan.picture(place.index) for place in missing])
        own = join_starts([starts[place.index] for place in missing])
        with self._bar(self.plan.settings.steps, _names(missing)) as bar:
            inversion = self._inverter.invert(pictures, own, lambda report: self._on_step(bar, report))
        for row, place in enumerate(missing):
            found[place.index] = inversion.one(row)
            place.keep(found[place.index])
        return found

    def _bar(self, total: int, title: str, unit: str = "step") -> tqdm:
        return tqdm(desc=title, total=total, unit=unit, leave=False, disable=None)

    def _on_samples(self, bar: tqdm, count: int) -> None:
        bar.update(count)
        if self.interrupts.requested:
            raise _Interrupted

    def _on_step(self, bar: tqdm, report: StepReport) -> None:
        bar.set_postfix(loss=f"{report.loss:.4f}", refresh=False)
        bar.update()
        if self.interrupts.requested:
            raise _Interrupted

    def _tuned(self, place: Place, inversion: Inversion) -> dict[str, torch.Tensor] | None:
        """The tensors tuned for one photograph; None where nothing is to be tuned."""
        plan = self.plan
        if plan.tuning is None:
            return None
        kept = place.kept_tuning()
        if kept is not None:
            return kept
        device = plan.device
        noise = None if inversion.noise is None else {name: maps.to(device) for name, maps in inversion.noise.items()}
        with self._bar(plan.tuning.steps, f"tuning for {place.name}") as bar:
            tensors = tune(
                plan.generator,
                inversion.w.to(device),
                plan.picture(place.index),
                plan.perception,
                plan.tuning,
                noise=noise,
                label=None if inversion.classes is None else inversion.classes[0],
                on_step=lambda step, loss: self._on_step(bar, StepReport(step, loss, 1)),
            )
        place.keep_tuning(tensors)
        return tensors

    def _row(self, place: Place, inversion: Inversion) -> Row:
        """Tune, go through the adaptations, write the pictures, and measure them."""
        plan = self.plan
        tensors = self._tuned(place, inversion)
        pictures = {"reconstruction": picture_of(plan.generator, inversion)}
        if tensors is not None:
            pictures["tuned"] = picture_of(with_weights(plan.generator, tensors), inversion)
            save_png(place.folder / TUNED, to_uint8(pictures["tuned"])[0])
        wanted = plan.picture(place.index)
        errors = {name: measure_errors(made, wanted, plan.perception, plan.judge)[0] for name, made in pictures.items()}
        for route in plan.routes:
            pictures[route.name] = picture_of(route.generator(plan.generator, tensors), inversion)
            save_png(place.folder / route.file, to_uint8(pictures[route.name])[0])
        levels = {name: to_uint8(made)[0] for name, made in pictures.items()}
        return Row(place, inversion, levels, errors)


def _names(places: Sequence[Place]) -> str:
    return places[0].name if len(places) == 1 else f"{places[0].name} and {len(places) - 1} more"
