"""Policies held against each other: for all pairs or one of them, at one learning rate or at each policy's best.

The best learning rate of a policy is the one with the largest mean `balance` in the view, among those without a failed
or missing cell where there are such. It is chosen on the very numbers that are then shown, which flatters a policy the
more, the more rates it had to choose from; `held_out` says by how much: there every seed is judged at the rate that
the other seeds chose.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from nada.study.kinds import BALANCE, TESTED, kind_of
from nada.study.pareto import FRONTS, Point, dominators, front
from nada.study.results import NONE, Cell, Pair, Results
from nada.study.statistics import Comparison, Spread, compare, corrected, spread

BASELINE = "late:2"
Unit = tuple[Pair, "int | None"]


@dataclass(frozen=True)
class Row:
    """One policy in a view.

    Attributes:
        lr: the learning rate it is shown at; None without an adaptation and where no cell is good.
        spreads: by measure, over seeds; with several pairs of a seed's mean over the pairs.
        expected, good, failed: how many cells there should be at `lr`, have numbers, have an error.
        covered: the pairs that it has numbers for; with fewer than the view has it is shown, but not ranked.
        held_out: `balance` with the learning rate chosen by the other seeds; None at a fixed learning rate.
        comparisons: by measure, this policy minus the baseline on matched cells, over seeds as above.
        dominated: by the two measures of a front, who is better on both sides.
        surely: those of the first front's whose matched differences have intervals above 0 on both sides.
    """

    policy: str
    lr: float | None
    spreads: dict[str, Spread]
    expected: int
    good: int
    failed: int
    covered: int
    held_out: Spread | None = None
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    dominated: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    surely: tuple[str, ...] = ()

    def spread(self, key: str) -> Spread:
        """The spread of a measure; one of n = 0 where there is none."""
        return self.spreads.get(key, Spread(0))

    @property
    def has_collapsed(self) -> bool:
        """Whether half of its cells collapsed, or more."""
        return (self.spread("collapsed").mean or 0.0) >= 0.5


class View:
    """The policies over some pairs, at one learning rate or at each one's best.

    Attributes:
        pair: the only one, or None for all.
        lr: the only one, or None for each policy's best.
        baseline: the policy that others are compared with.
        rows: one per policy, the best first, those that cannot be ranked last; `none` is not among them.
        source: the row of the generator as it was.
    """

    def __init__(self, results: Results, pair: Pair | None, lr: float | None, baseline: str | None = None) -> None:
        self.results, self.pair, self.lr = results, pair, lr
        self.pairs = results.pairs if pair is None else [pair]
        rows = [self._row(policy) for policy in results.policies]
        self.rows = sorted(rows, key=self._order)
        self.source = self._row(NONE)
        self.baseline = baseline or self._default_baseline()
        self._compare()
        self._dominate()

    def _order(self, row: Row) -> tuple[bool, float]:
        mean = row.spread(BALANCE).mean
        return not self.is_ranked(row), math.inf if mean is None else -mean

    def is_ranked(self, row: Row) -> bool:
        """Whether a row has numbers for all pairs of the view, so that its means can be held against others."""
        return row.covered == len(self.pairs) and row.spread(BALANCE).mean is not None

    def _default_baseline(self) -> str:
        setup = self.results.setup
        wanted = setup.get("baseline") or BASELINE
        wanted = setup.get("aliases", {}).get(wanted, wanted)
        return wanted if wanted in self.results.policies else self.rows[0].policy if self.rows else ""

    def _rates(self, policy: str) -> list[float | None]:
        if policy == NONE:
            return [None]
        return list(self.results.lrs) if self.lr is None else [self.lr]

    def _cells(self, policy: str, lr: float | None) -> dict[Unit, Cell]:
        """The good cells of a policy at a learning rate, by pair and seed."""
        seeds: Iterable[int | None] = [*self.results.seeds, *([None] if policy == NONE else [])]
        places = [(pair, seed) for pair in self.pairs for seed in seeds]
        found = {(pair, seed): self.results.at(pair, policy, lr, seed) for pair, seed in places}
        return {unit: cell for unit, cell in found.items() if cell is not None}

    def _row(self, policy: str) -> Row:
        lr = self._best_rate(policy)
        cells = self._cells(policy, lr)
        rates = [lr] if cells else self._rates(policy)
        failed = [cell.place for cell in self.results.failed if cell.place.policy == policy]
        failures = sum(place.pair in self.pairs and place.lr in rates for place in failed)
        grid = len(self.pairs) * len(self.results.seeds) * len(rates)
        return Row(
            policy, lr, {key: _spread(cells, key) for key in self.results.measures},
            len(cells) + failures if policy == NONE else grid, len(cells), failures,
            len({pair for pair, _ in cells}), self._held_out(policy),
        )  # fmt: skip

    def _best_rate(self, policy: str, without: int | None = None) -> float | None:
        """The learning rate with the largest mean balance, judged by all seeds or by all but one."""
        best: tuple[int, float] = (-1, -math.inf)
        chosen = None
        for lr in self._rates(policy):
            cells = {unit: cell for unit, cell in self._cells(policy, lr).items() if without is None or unit[1] != without}
            found = (len(cells), spread(_seed_means(_values(cells, BALANCE))).mean)
            if found[1] is not None and found > best:
                best, chosen = (found[0], found[1]), lr
        return chosen

    def _held_out(self, policy: str) -> Spread | None:
        if self.lr is not None or policy == NONE or len(self.results.seeds) < 2:
            return None
        values: dict[Unit, float] = {}
        for seed in self.results.seeds:
            cells = self._cells(policy, self._best_rate(policy, without=seed))
            values |= {unit: cell.value(BALANCE) for unit, cell in cells.items() if unit[1] == seed}
        return spread(_seed_means(values))

    @cached_property
    def _matched(self) -> dict[str, dict[Unit, Cell]]:
        return {row.policy: self._cells(row.policy, row.lr) for row in self.rows}

    def differences(self, one: str, other: str, key: str) -> list[float]:
        """How much larger a measure is with one policy than with another on the same pairs and seeds, a number per seed.

        Of several pairs a seed's mean over them, as everywhere: policies do better on one pair than on another, so that the
        pairs of a seed are not several draws of one difference.
        """
        return _seed_means(self._differences(one, other, key))

    def ahead(self, one: str, other: str, key: str) -> tuple[int, int]:
        """On how many prompt pairs a measure's mean is larger with one policy than with another, and of how many."""
        by_pair: dict[Pair, list[float]] = {}
        for (pair, _), difference in self._differences(one, other, key).items():
            by_pair.setdefault(pair, []).append(difference)
        means = [spread(own).mean for own in by_pair.values()]
        return sum(mean is not None and mean > 0 for mean in means), sum(mean is not None for mean in means)

    def _differences(self, one: str, other: str, key: str) -> dict[Unit, float]:
        cells, rivals = self._matched[one], self._matched[other]
        return {unit: cells[unit].value(key) - rivals[unit].value(key) for unit in cells if unit in rivals}

    def _compare(self) -> None:
        rivals = [row for row in self.rows if row.policy != self.baseline]
        for key in TESTED if self.baseline in self._matched else ():
            found = {row.policy: compare(self.differences(row.policy, self.baseline, key)) for row in rivals}
            for policy, comparison in corrected(found).items():
                if comparison.difference.n:
                    self.row(policy).comparisons[key] = comparison

    def points(self, axes: tuple[str, str]) -> dict[str, Point]:
        """The ranked policies by their means of two measures, where they have both, less those that mostly collapsed.

        What is left of a collapsed generator may still lie where the words point, but nobody would call that reached.
        """
        rows = [row for row in self.rows if self.is_ranked(row) and not row.has_collapsed]
        means = {row.policy: tuple(row.spread(key).mean for key in axes) for row in rows}
        return {policy: Point(*both) for policy, both in means.items() if None not in both}

    def front(self, axes: tuple[str, str] = FRONTS[0]) -> list[str]:
        """The policies that nobody dominates, from least to most reached."""
        return front(self.points(axes))

    def _dominate(self) -> None:
        for axes in FRONTS:
            for policy, rivals in dominators(self.points(axes)).items():
                self.row(policy).dominated[axes] = rivals
        for index, row in enumerate(self.rows):
            sure = [rival for rival in row.dominated.get(FRONTS[0], ()) if self._surely(rival, row.policy)]
            self.rows[index] = replace(row, surely=tuple(sure))

    def _surely(self, rival: str, policy: str) -> bool:
        found = [spread(self.differences(rival, policy, key)) for key in FRONTS[0]]
        return all(difference.low is not None and difference.low > 0 for difference in found)

    def row(self, policy: str) -> Row:
        """The row of a policy."""
        return next(row for row in [*self.rows, self.source] if row.policy == policy)


def _spread(cells: dict[Unit, Cell], key: str) -> Spread:
    return spread(_seed_means(_values(cells, key)), kind_of(key).within)


def _values(cells: dict[Unit, Cell], key: str) -> dict[Unit, float]:
    return {unit: cell.value(key) for unit, cell in cells.items()}


def _seed_means(values: dict[Unit, float]) -> list[float]:
    """One number per seed: its mean over all pairs that have one; seeds that lack one of these are left out."""
    by_seed: dict[Any, dict[Pair, float]] = {}
    for (pair, seed), value in values.items():
        if math.isfinite(value):
            by_seed.setdefault(seed, {})[pair] = value
    pairs = {pair for own in by_seed.values() for pair in own}
    return [math.fsum(own.values()) / len(pairs) for own in by_seed.values() if set(own) == pairs]


def views_of(results: Results) -> list[View]:
    """All views, each over the same baseline: over all pairs and over each, at the best and at each learning rate."""
    overall = View(results, None, None)
    pairs: list[Pair | None] = [None, *(results.pairs if len(results.pairs) > 1 else [])]
    rates: list[float | None] = [None, *(results.lrs if len(results.lrs) > 1 else [])]
    wanted = [(pair, lr) for pair in pairs for lr in rates if (pair, lr) != (None, None)]
    return [overall, *(View(results, pair, lr, overall.baseline) for pair, lr in wanted)]
