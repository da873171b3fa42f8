"""Where pictures come from: a generator or files, in numbered blocks that several processes divide among themselves.

All are uint8 squares of one size, cropped to their centre and resized by one filter. A block depends on its number
alone, so it makes no difference which process makes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from nada.checkpoints import hash_generator
from nada.data.decoding import decode, in_order, without_warnings
from nada.data.fitting import FILTER, Fit, fit_square
from nada.data.holding import is_held_out
from nada.data.records import Record, inside
from nada.data.sources import nothing_left, open_source
from nada.errors import NadaError, UsageError
from nada.evaluation.surveys import survey
from nada.files import readable
from nada.generation import draw_pictures
from nada.models import Generator
from nada.processes import Share

SEEDS_APART = 1_000_000  # between the latents of --seed 0 and those of --seed 1
LARGEST_SEED = 4000  # NumPy's seeds end at 2**32
LEAST = 2
# Libraries multiply very few rows in another order, which moves a colour by one level here and there, and so the sixth
# digit of a score; from four rows on they agree.
AT_ONCE_LEAST = 4


class Block(NamedTuple):
    """Pictures `(n, size, size, 3)` uint8, and the names of those that could not be read."""

    number: int
    pictures: np.ndarray
    skipped: tuple[str, ...] = ()


class Pictures(Protocol):
    """A set of pictures that can be gone through again and again."""

    name: str
    count: int

    def blocks(self, batch: int, share: Share) -> Iterator[Block]:
        """This process's blocks, at most `batch` pictures each."""

    def describe(self) -> dict[str, Any]:
        """What the pictures depend on, JSON-able; equal for equal pictures."""


@dataclass(frozen=True)
class Made:
    """Pictures of a generator. Picture i has the latent of seed `seed * 1000000 + first + i` and the i-th condition in turn."""

    generator: Generator
    name: str
    count: int
    size: int
    classes: tuple[int, ...] = ()
    truncation: float = 1.0
    seed: int = 0
    first: int = 0

    def __post_init__(self) -> None:
        """Raise UsageError for counts and seeds that cannot be."""
        if not LEAST <= self.count <= SEEDS_APART // 2:
            raise UsageError(f"--num is between {LEAST} and {SEEDS_APART // 2}, not {self.count}.")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise UsageError(f"--seed is between 0 and {LARGEST_SEED} here, not {self.seed}.")

    def conditions(self) -> list[int] | None:
        """The class or known prompt of every picture; None for an unconditional generator."""
        chosen = self.classes or tuple(range(self.generator.config.num_conditions))
        return [chosen[index % len(chosen)] for index in range(self.count)] if chosen else None

    def blocks(self, batch: int, share: Share) -> Iterator[Block]:
        """This process's blocks; the noise is the stored one."""
        conditions = self.conditions()
        start = self.seed * SEEDS_APART + self.first
        for number in range(share.rank, -(-self.count // batch), share.world):
            rows = slice(number * batch, min((number + 1) * batch, self.count))
            seeds = list(range(start + rows.start, start + rows.stop))
            labels = None if conditions is None else self.generator.labels_of(seeds, conditions[rows])
            made = draw_pictures(self.generator, seeds, labels, self.truncation)
            yield Block(number, np.stack([fit_square(picture, self.size) for picture in made]))

    def describe(self) -> dict[str, Any]:
        """Generator by hash, latents, conditions, size and filter."""
        start = self.seed * SEEDS_APART + self.first
        names = self.generator.config.condition_names
        shown = [names[number] if names else str(number) for number in self.classes]
        return {
            "kind": "generator",
            "sha256": hash_generator(self.generator),
            "pictures": self.count,
            "resolution": self.generator.config.resolution,
            "seeds": [start, start + self.count - 1],
            "conditions": shown or ("all in turn" if self.generator.config.num_conditions else "none"),
            "truncation": self.truncation,
            **self._centre(),
            "noise": "const",
            **_protocol(self.size),
        }

    def _centre(self) -> dict[str, str]:
        """What truncation pulls towards. The generator's own hash leaves it out, since without truncation it moves nothing."""
        if self.truncation == 1:
            return {}
        centre = self.generator.mapping.w_avg.detach().cpu().float().numpy().astype("<f4")
        return {"truncation_centre": "global", "truncation_centre_sha256": hashlib.sha256(centre.tobytes()).hexdigest()}


class HeldOut(NamedTuple):
    """The part of a training's pictures that it kept apart: `share` of them, as they are at `size`."""

    share: float
    size: int


class Stored:
    """Pictures in files: a folder, a zip, a parquet file or folder, CIFAR-10's archive.

    Args:
        include: glob pattern; None takes every picture.
        held_out: take only those that a training kept apart.
    """

    def __init__(self, path: str | Path, size: int, include: str | None = None, held_out: HeldOut | None = None) -> None:
        self.name, self._path, self._include = str(path), Path(path), include
        self._fit, self._held_out = Fit(size), held_out
        self._chosen = None if held_out is None else self._kept_apart(held_out)
        with without_warnings():
            self.survey = survey(self._records())
        self.count = self.survey.count
        if not self.count:
            raise nothing_left(self._path, self._include, open_source(self._path, self._include), ())

    def _kept_apart(self, held_out: HeldOut) -> frozenset[int]:
        """The numbers of the pictures that a training did not see; it leaves those out that cannot be read."""
        fit = Fit(held_out.size)
        records = open_source(self._path, self._include).records
        with without_warnings():
            told = in_order(lambda record: is_held_out(decode(record, fit), held_out.share), records)
            chosen = frozenset(number for number, (_, answer) in enumerate(told) if answer is True)
        if not chosen:
            raise NadaError(
                f"none of the pictures in {self._path} is of the {held_out.share:g} that the training held out; they are "
                "not those that it saw. Give pictures to compare with as --reference."
            )
        return chosen

    def _records(self) -> Iterator[Record]:
        records = open_source(self._path, self._include).records
        return (record for number, record in enumerate(records) if self._chosen is None or number in self._chosen)

    def blocks(self, batch: int, share: Share) -> Iterator[Block]:
        """This process's blocks; a picture that cannot be read leaves its block smaller."""
        records = iter(self._own(batch, share))
        numbers = range(share.rank, -(-self.count // batch), share.world)
        with without_warnings():
            results = in_order(lambda record: decode(record, self._fit), records, result_bytes=self._fit.bytes)
            for number in numbers:
                yield self._block(number, list(islice(results, min(batch, self.count - number * batch))))

    def _own(self, batch: int, share: Share) -> Iterator[Record]:
        for index, record in enumerate(self._records()):
            if index // batch % share.world == share.rank:
                yield record

    def _block(self, number: int, results: Sequence[tuple[Record, np.ndarray | NadaError]]) -> Block:
        good = [result for _, result in results if not isinstance(result, NadaError)]
        names = (inside(record.name, self._path) for record, result in results if isinstance(result, NadaError))
        side = self._fit.size
        return Block(number, np.stack(good) if good else np.zeros((0, side, side, 3), np.uint8), tuple(map(readable, names)))

    def describe(self) -> dict[str, Any]:
        """The files by a hash of their bytes, size and filter."""
        apart = {} if self._held_out is None else {"held_out": self._held_out._asdict()}
        return {"kind": "files", "sha256": self.survey.sha256, "pictures": self.count, **apart, **_protocol(self._fit.size)}


def _protocol(size: int) -> dict[str, Any]:
    return {
        "size": size,
        "resize": f"central square, {FILTER} (Pillow, antialiased), on uint8",
        "quantisation": "uint8 before and after resizing",
    }


def key_of(facts: dict[str, Any]) -> str:
    """A name for whatever has these facts: 64 hex digits."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
