"""`nada generate`: from options to files, told line by line."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from nada.config import to_json
from nada.config.generate import GenerateConfig
from nada.files import write_json
from nada.generation.mixing import run_mixing
from nada.generation.plan import Column, Plan, make_plan
from nada.generation.recipe import Recipe
from nada.generation.searching import run_search
from nada.generation.sheets import PairSheets, Sheets
from nada.generation.writing import Writer, own_folder, survey
from nada.images import load_image
from nada.runs import Interrupts, clean_termination

Say = Callable[[str], None]
_WIDEST = 10  # pictures in a row of a sheet
_NAME = re.compile(r"seed([0-9]{4,10})(.*)\.png")


@dataclass(frozen=True)
class Outcome:
    """Where the pictures lie, how many were made and how many lay there already, and whether that is all."""

    folder: Path
    made: int
    kept: int = 0
    finished: bool = True
    sheets: tuple[Path, ...] = ()
    found: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**dataclasses.asdict(self), "folder": str(self.folder), "sheets": [str(path) for path in self.sheets]}


def file_name(seed: int, column: Column) -> str:
    """The name of a picture: `seed0007.png`, `seed0007-before.png`, `seed0007-strength0.5.png`."""
    return f"seed{seed:04d}{column.suffix}.png"


@clean_termination()
def run_generation(config: GenerateConfig, say: Say) -> Outcome:
    """Make what `config` asks for, until its end or the first SIGINT or SIGTERM; the same call goes on from there.

    Raises:
        UsageError: for options that make no sense, or not together.
        NadaError: for what cannot be read or written, and for files of other settings that are in the way.
    """
    plan = make_plan(config)
    if config.prompt is not None:
        outcome = Outcome(plan.out, **run_search(plan, say))
    else:
        say(plan.painter.headline())
        outcome = Outcome(plan.out, **run_mixing(plan)) if config.mix_rows is not None else _make_all(plan)
    if config.json is not None:
        record = {**outcome.to_dict(), "options": to_json(config), "generator_sha256": plan.painter.sha256}
        write_json(config.json, {**record, "look": plan.look.to_dict(), **plan.notes()})
    return outcome


def _make_all(plan: Plan) -> Outcome:
    with own_folder(plan.out):
        done = survey(plan.out, lambda name: _wanted(plan, name))
        maker = _Maker(plan, done)
        with Interrupts() as interrupts, Writer() as writer:
            total = len(plan.seeds) * len(plan.columns)
            with tqdm(total=total, initial=len(done), unit="img", disable=None, leave=False) as bar:
                for seeds in _chunks(plan.seeds, plan.batch):
                    bar.update(maker.make(seeds, writer))
                    if interrupts.requested:
                        return Outcome(plan.out, maker.made, len(done), finished=False)
        if maker.sheets is not None:
            maker.sheets.close()
    return Outcome(plan.out, maker.made, len(done), sheets=tuple(maker.sheets.written) if maker.sheets else ())


def _wanted(plan: Plan, name: str) -> Recipe | None:
    """What should be in the file of that name, if this command makes one of that name."""
    match = _NAME.fullmatch(name)
    if match is None or int(match[1]) not in plan.seeds:
        return None
    column = next((column for column in plan.columns if column.suffix == match[2]), None)
    if column is None or name != file_name(int(match[1]), column):
        return None
    return plan.recipe(int(match[1]), column)


def _chunks(seeds: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(seeds), size):
        yield seeds[start : start + size]


class _Maker:
    """Makes the pictures of some seeds at every strength, and lays them on sheets where those are asked for."""

    def __init__(self, plan: Plan, done: set[str]) -> None:
        self._plan, self._done = plan, done
        self.made = 0
        self.sheets = _sheets(plan)

    def make(self, seeds: Sequence[int], writer: Writer) -> int:
        """Make what is not there yet; returns how many that were."""
        before = self.made
        columns = [self._column(seeds, column, writer) for column in self._plan.columns]
        if self.sheets is not None:
            for seed in seeds:
                for column, pictures in zip(self._plan.columns, columns):
                    picture = pictures.get(seed)
                    path = self._plan.out / file_name(seed, column)
                    self.sheets.add(load_image(path) if picture is None else picture, self._caption(seed, column))
        return self.made - before

    def _column(self, seeds: Sequence[int], column: Column, writer: Writer) -> dict[int, np.ndarray]:
        missing = [seed for seed in seeds if file_name(seed, column) not in self._done]
        if not missing:
            return {}
        recipes = [self._plan.recipe(seed, column) for seed in missing]
        pictures = self._plan.painter.paint(recipes)
        for recipe, picture in zip(recipes, pictures):
            writer.write(self._plan.out / file_name(recipe.seed, column), picture, recipe, self._plan.notes(recipe))
        self.made += len(missing)
        return dict(zip(missing, pictures)) if self.sheets is not None else {}

    def _caption(self, seed: int, column: Column) -> str:
        condition = self._plan.recipe(seed, column).condition
        return " ".join(filter(None, (str(seed), condition, column.title and f"· {column.title}")))


def _sheets(plan: Plan) -> Sheets | None:
    count, wide = len(plan.seeds) * len(plan.columns), len(plan.columns)
    if plan.config.paired:
        return PairSheets(plan.out, count)
    if wide > 1:
        return Sheets(plan.out, "strengths", count, wide)
    if not plan.config.grid:
        return None
    return Sheets(plan.out, "grid", count, min(_WIDEST, max(1, round(count**0.5))))
