"""The grid of a study: every policy for every pair of prompts, learning rate and seed, in one fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from nada.study.cell import Cell
from nada.study.results import NONE, Pair, pair_of


class Rate(NamedTuple):
    """A learning rate, and how it was asked for: `auto`, `x0.5` or a number."""

    lr: float
    name: str


@dataclass(frozen=True)
class Grid:
    """The axes of a study. `policies` has none twice, by the parameters that they select."""

    policies: tuple[str, ...]
    pairs: tuple[Pair, ...]
    rates: tuple[Rate, ...]
    seeds: tuple[int, ...]
    steps: int

    def cells(self) -> list[Cell]:
        """All cells: pairs, then policies, learning rates and seeds. Without adaptation there is one cell per pair."""
        return [cell for pair in self.pairs for policy in self.policies for cell in self._cells(pair, policy)]

    def _cells(self, pair: Pair, policy: str) -> list[Cell]:
        if policy == NONE:
            return [Cell(policy, *pair, None, None, None, 0)]
        return [Cell(policy, *pair, *rate, seed, self.steps) for rate in self.rates for seed in self.seeds]

    def joined(self, other: Grid) -> Grid:
        """The grid that has the axes of both, one's own first. A learning rate keeps its first name."""
        rates = {rate.lr: rate for rate in (*other.rates, *self.rates)}
        return Grid(
            _once(self.policies, other.policies),
            _once(self.pairs, other.pairs),
            tuple(rates[lr] for lr in _once([rate.lr for rate in self.rates], [rate.lr for rate in other.rates])),
            _once(self.seeds, other.seeds),
            self.steps,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "policies": list(self.policies),
            "pairs": [{"source": pair.source, "target": pair.target, "classes": list(pair.classes)} for pair in self.pairs],
            "lrs": [rate.lr for rate in self.rates],
            "rates": [rate.name for rate in self.rates],
            "seeds": list(self.seeds),
            "steps": self.steps,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Grid:
        """The grid that `to_dict` was of."""
        rates = tuple(Rate(*rate) for rate in zip(values["lrs"], values["rates"], strict=True))
        pairs = tuple(map(pair_of, values["pairs"]))
        return cls(tuple(values["policies"]), pairs, rates, tuple(values["seeds"]), values["steps"])


def _once(*parts: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for part in parts for value in part))
