"""A cell: one adaptation of the grid, the folder it lies in, and the record that says that it is finished.

A finished cell's folder holds `cell.json`, which is written last and whole:

    {"format": 1, "settings": sha256 of what all cells share, "cell": {"policy", "source", "target", "classes", "lr",
     "rate", "seed", "steps"}, "measures": {name: number or null}, "seconds": {"adapt", "measure"}, "error": null or text}

A cell of the policy `none` has no learning rate, no seed and 0 steps. A number that could not be measured is null.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nada.files import write_json
from nada.runs import slugify
from nada.study.results import NONE, Pair

FORMAT = 1
RECORD, PICTURES = "cell.json", "pictures.png"


@dataclass(frozen=True)
class Cell:
    """What distinguishes one adaptation of a study from the others.

    Attributes:
        policy: of `nada.selection`, or `none` for the generator as it is.
        source, target: the prompts.
        classes: names of the classes or known prompts that are drawn; none for all of them.
        lr: Adam's learning rate; None without an adaptation.
        rate: the same as it was asked for, such as `x0.5`.
        seed: of the training; None without an adaptation.
        steps: how many; 0 without an adaptation.
    """

    policy: str
    source: str
    target: str
    classes: tuple[str, ...]
    lr: float | None
    rate: str | None
    seed: int | None
    steps: int

    @property
    def pair(self) -> Pair:
        """The prompts and the classes."""
        return Pair(self.source, self.target, self.classes)

    @property
    def key(self) -> str:
        """The name of the cell's folder: readable, and different for different cells."""
        facts = {name: value for name, value in asdict(self).items() if name != "rate"}
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
        about = [slugify(f"{self.source} to {self.target}", 40), *(slugify(name, 20) for name in self.classes[:1])]
        trained = [] if self.policy == NONE else [f"lr{self.lr:.3g}", f"seed{self.seed}"]
        return "_".join([slugify(self.policy, 40), *about, *trained, digest])

    def title(self) -> str:
        """One line for people."""
        trained = "" if self.policy == NONE else f", lr {self.lr:.3g}, seed {self.seed}"
        return f"{self.policy}: {self.pair.title}{trained}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, in the order of the fields."""
        return {**asdict(self), "classes": list(self.classes)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Cell:
        """The cell that `to_dict` was of."""
        return cls(**{**values, "classes": tuple(values["classes"])})


def make_record(
    cell: Cell,
    settings: str,
    measures: Mapping[str, float] | None = None,
    seconds: Mapping[str, float] | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    """What `cell.json` holds, see the head of this module. A number that is not finite becomes null."""
    numbers = {name: value if math.isfinite(value) else None for name, value in (measures or {}).items()}
    times = {name: round(value, 3) for name, value in (seconds or {}).items()}
    facts = {"format": FORMAT, "settings": settings, "cell": cell.to_dict()}
    return {**facts, "measures": numbers, "seconds": times, "error": error}


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write `cell.json`, whole or not at all. Raises NadaError where that is impossible."""
    write_json(folder / RECORD, dict(record))


def read_record(folder: Path, settings: str) -> dict[str, Any] | None:
    """The record of a finished or failed cell; None where there is none, or one that was made with other settings."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    fits = isinstance(record, dict) and record.get("format") == FORMAT and record.get("settings") == settings
    return record if fits else None
