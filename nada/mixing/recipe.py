"""A recipe: which domains, how much of each, on which base."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from nada.checkpoints import hash_generator, load_generator
from nada.checkpoints.loading import find_adaptation, read_base
from nada.checkpoints.native import BASE_HASH
from nada.checkpoints.records import read_record
from nada.checkpoints.specs import absolute_spec
from nada.domains import Blender, Domain, read_domain
from nada.errors import UsageError
from nada.files import hash_file
from nada.models import Generator, with_weights


@dataclass(frozen=True)
class Part:
    """A domain in a mix: its weight, the spec it was given by, the hash of its file, and the record of its run."""

    domain: Domain
    weight: float
    spec: str
    sha256: str
    record: dict[str, Any]

    def describe(self) -> dict[str, Any]:
        """Return what a mix says of this part, for JSON."""
        return {
            "name": self.domain.name,
            "weight": self.weight,
            "layers": self.domain.metadata.get("layers", ""),
            "sha256": self.sha256,
            "base": self.domain.base,
            BASE_HASH: self.domain.base_sha256,
        }


@dataclass(frozen=True)
class Mix:
    """Domains put together on a base: `tensors` are those that differ from the base's."""

    base: Generator
    base_spec: str
    base_sha256: str
    parts: tuple[Part, ...]
    tensors: dict[str, Tensor]

    @property
    def name(self) -> str:
        """The recipe in words: "0.7 minimal logo + 0.3 pencil sketch"."""
        return " + ".join(f"{part.weight:g} {part.domain.name}" for part in self.parts).replace("+ -", "- ")

    @property
    def numbers(self) -> int:
        """How many numbers the mix is made of."""
        return sum(value.numel() for value in self.tensors.values())

    @property
    def generator(self) -> Generator:
        """A new generator with the mix in it."""
        return with_weights(self.base, self.tensors)

    def metadata(self) -> dict[str, str]:
        """Return what the file of the mix says of itself."""
        layers = dict.fromkeys(part.domain.metadata.get("layers", "") for part in self.parts)
        return {
            "base": self.base_spec,
            BASE_HASH: self.base_sha256,
            "layers": " + ".join(filter(None, layers)),
            "name": self.name,
            "parts": json.dumps([part.describe() for part in self.parts], sort_keys=True),
        }


def parse_weights(text: str | None, count: int) -> list[float]:
    """Read one weight for each of `count` domains, equal shares of 1 from None.

    >>> parse_weights("0.7, 0.3", 2), parse_weights(None, 4)
    ([0.7, 0.3], [0.25, 0.25, 0.25, 0.25])

    Raises UsageError for what is no list of so many numbers, or for zeros alone.
    """
    if text is None:
        return [1 / count] * count
    try:
        weights = [float(word) for word in text.split(",")]
    except ValueError:
        raise UsageError(f"--weights is a list of numbers such as 0.7,0.3, not {text!r}.") from None
    if len(weights) != count:
        raise UsageError(f"--weights {text} has {len(weights)} numbers for {count} domains; give one for each.")
    if not any(weights):
        raise UsageError(f"--weights {text} leaves nothing of any domain; that is the base itself.")
    return weights


def mix(domains: Sequence[str | Path], weights: Sequence[float], base: str | None = None, force: bool = False) -> Mix:
    """Read domains and put them together, as `blend` does.

    Args:
        domains: run folders or files of adaptations.
        weights: one for each.
        base: spec of the generator to put them on; that of the first domain if None.
        force: take domains of other bases, too.

    Raises the errors of `read_domain` and `blend`.
    """
    parts = [_part(spec, weight) for spec, weight in zip(domains, weights, strict=True)]
    first = parts[0]
    generator = read_base(first.domain.base, first.spec) if base is None else load_generator(base)
    tensors = Blender(generator, [part.domain for part in parts], force).tensors(weights)
    name = absolute_spec(base) if base is not None else first.domain.base
    return Mix(generator, name, hash_generator(generator), tuple(parts), tensors)


def _part(spec: str | Path, weight: float) -> Part:
    domain = read_domain(spec)
    file, _ = find_adaptation(spec)
    return Part(domain, weight, str(spec), hash_file(file), read_record(file))
