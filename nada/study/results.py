"""The cells of a study as a table: in the order of the grid, with what failed and what is missing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from nada.study.kinds import BALANCE, KEPT, KINDS, REACHED

NONE = "none"  # the policy that adapts nothing: what the generator makes by itself


class Pair(NamedTuple):
    """Two prompts, and the classes they are about; none for all or for a generator without."""

    source: str
    target: str
    classes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The pair in words."""
        about = f" ({', '.join(self.classes)})" if self.classes else ""
        return f"{self.source} → {self.target}{about}"


class Place(NamedTuple):
    """Where in the grid a cell stands; without an adaptation there is no learning rate and perhaps no seed."""

    pair: Pair
    policy: str
    lr: float | None
    seed: int | None


@dataclass(frozen=True)
class Cell:
    """A cell that was run: its place, its finite numbers, or the sentence that says why it has none."""

    place: Place
    measures: Mapping[str, float]
    error: str | None
    record: Mapping[str, Any]

    def value(self, key: str) -> float:
        """A number of the cell; NaN where there is none."""
        return self.measures.get(key, math.nan)


class Results:
    """All cells of a study, in grid order: pairs, then policies, learning rates and seeds as the setup lists them.

    Attributes:
        cells: those that were run, failed ones included.
        pairs, policies, lrs, seeds: what there is of each; `policies` without `none`.
        missing: places of the grid that have no cell yet.
    """

    def __init__(self, cells: Iterable[Mapping[str, Any]], setup: Mapping[str, Any]) -> None:
        read = [read_cell(record) for record in cells]
        places = [cell.place for cell in read]
        self.pairs = _ordered(map(pair_of, setup.get("pairs", ())), (place.pair for place in places))
        policies = _ordered(setup.get("policies", ()), (place.policy for place in places))
        self.lrs = _ordered(setup.get("lrs", ()), sorted({place.lr for place in places if place.lr is not None}))
        self.seeds = _ordered(setup.get("seeds", ()), sorted({place.seed for place in places if place.seed is not None}))
        self.policies = [policy for policy in policies if policy != NONE]
        self._rank = {
            name: {value: index for index, value in enumerate(values)}
            for name, values in (("pair", self.pairs), ("policy", policies), ("lr", self.lrs), ("seed", self.seeds))
        }
        self.cells = sorted(read, key=lambda cell: self._order(cell.place))
        self._at = {cell.place: cell for cell in self.cells}
        self.setup = dict(setup)
        wanted = [Place(*place) for place in self._grid()]
        self.missing = [place for place in wanted if place not in self._at]

    def _order(self, place: Place) -> tuple[int, ...]:
        return tuple(self._rank[name].get(value, -1) for name, value in place._asdict().items())

    def _grid(self) -> Iterable[tuple[Pair, str, float, int]]:
        return (
            (pair, policy, lr, seed)
            for pair in self.pairs
            for policy in self.policies
            for lr in self.lrs
            for seed in self.seeds
        )

    @cached_property
    def failed(self) -> list[Cell]:
        """Cells that were run and have an error instead of numbers."""
        return [cell for cell in self.cells if cell.error is not None]

    def at(self, pair: Pair, policy: str, lr: float | None, seed: int | None) -> Cell | None:
        """The cell at a place, if it is there and did not fail."""
        cell = self._at.get(Place(pair, policy, lr, seed))
        return cell if cell is not None and cell.error is None else None

    def of_policy(self, policy: str) -> list[Cell]:
        """All good cells of a policy."""
        return [cell for cell in self.cells if cell.place.policy == policy and cell.error is None]

    def aliases(self, policy: str) -> list[str]:
        """Other policies that would select the same and were left out for it, as the setup's `aliases` say."""
        return [alias for alias, kept in self.setup.get("aliases", {}).items() if kept == policy]

    def rate(self, lr: float) -> str:
        """A learning rate, and how it was asked for where that was not by its number, as the setup's `rates` say."""
        names = dict(zip(self.setup.get("lrs", ()), self.setup.get("rates", ())))
        name = names.get(lr, "")
        return f"{lr_text(lr)} ({name})" if name.startswith(("auto", "x")) else lr_text(lr)

    @cached_property
    def measures(self) -> list[str]:
        """The numbers that at least one cell has, the known ones first."""
        present = {key for cell in self.cells for key in cell.measures}
        return [key for key in KINDS if key in present] + sorted(present - set(KINDS))


def read_cell(record: Mapping[str, Any]) -> Cell:
    """Read a `cell.json`; numbers that are null or not finite count as not there, `balance` is worked out."""
    at = record["cell"]
    lr = None if at["policy"] == NONE else at.get("lr")
    place = Place(pair_of(at), at["policy"], lr, at.get("seed"))
    error = record.get("error")
    measures = {key: float(value) for key, value in (record.get("measures") or {}).items() if _is_number(value)}
    if error is not None:
        return Cell(place, {}, str(error), record)
    if "seconds" not in measures and (seconds := _total_seconds(record)) is not None:
        measures["seconds"] = seconds
    if (found := balance(measures)) is not None:
        measures[BALANCE] = found
    return Cell(place, measures, None, record)


def balance(measures: Mapping[str, float]) -> float | None:
    """Return one number for a cell, by which policies are ranked: the harmonic mean of target reached and content kept.

    Reached is `projection`, kept is `content`. Each counts as 0 where it is negative, and a collapsed cell counts 0. None
    where one is not known.
    """
    reached, kept = measures.get(REACHED), measures.get(KEPT)
    if reached is None or kept is None:
        return None
    if measures.get("collapsed", 0.0) or reached <= 0 or kept <= 0:
        return 0.0
    return 2 * reached * kept / (reached + kept)


def pair_of(value: Any) -> Pair:
    """Read a pair from a mapping with `source`, `target` and perhaps `classes`, or from a sequence of the same."""
    if isinstance(value, Mapping):
        source, target, classes = value["source"], value["target"], value.get("classes")
    else:
        source, target, classes = (*value, None)[:3]
    classes = (classes,) if isinstance(classes, str) and classes else classes or ()
    return Pair(str(source), str(target), tuple(map(str, classes)))


def lr_text(lr: float | None) -> str:
    """A learning rate as people write it."""
    return "–" if lr is None else f"{lr:.3g}"


def _ordered(first: Iterable[Any], then: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys([*first, *then]))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _total_seconds(record: Mapping[str, Any]) -> float | None:
    seconds: Sequence[float] = [value for value in (record.get("seconds") or {}).values() if _is_number(value)]
    return math.fsum(seconds) if seconds else None
