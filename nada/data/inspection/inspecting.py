"""The inspection of a data set: one pass over its pictures, then everything that follows from the numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nada.data.classes import stray_note
from nada.data.inspection.charts import Chart, make_charts
from nada.data.inspection.collecting import Collected, collect
from nada.data.inspection.duplicates import Duplicates, find_duplicates
from nada.data.inspection.neighbours import check_distance
from nada.data.records import Progress, Reading, Source
from nada.data.sources import nothing_left, open_source

NEAR = 8
SAMPLES = 48


@dataclass(frozen=True)
class Inspection:
    """What was found. `samples` are rows of the table, drawn at random; `near` is the distance of duplicates.

    `note` says why there are no classes where there seem to be some.
    """

    data: str
    reading: Reading
    near: int
    seed: int
    collected: Collected
    class_names: tuple[str, ...]
    ignored: tuple[str, ...]
    charts: tuple[Chart, ...]
    duplicates: Duplicates
    samples: tuple[int, ...]
    note: str = ""

    def __len__(self) -> int:
        return len(self.collected.table)

    def chart(self, key: str) -> Chart | None:
        """The chart of that name, if there is one."""
        return next((chart for chart in self.charts if chart.key == key), None)

    def name(self, row: int) -> str:
        """A picture's name inside the data set."""
        return self.collected.names[row]

    def order(self) -> np.ndarray:
        """The rows in a random order that the seed decides."""
        return np.random.default_rng(self.seed).permutation(len(self))


def inspect_data(
    path: str | Path,
    reading: Reading | None = None,
    near: int = NEAR,
    samples: int = SAMPLES,
    seed: int = 0,
    progress: Progress | None = None,
) -> Inspection:
    """Look at every picture of a data set once.

    Args:
        path: anything that `nada data import` and `nada train` read.
        reading: which pictures, and where classes and captions are; by default all, as the source says itself.
        near: how many of 64 bits the perceptual hashes of near duplicates may differ in, 0 to 11.
        samples: how many random pictures to draw.
        seed: decides which.
        progress: wraps the iteration and is told the count, for a bar.

    Raises:
        NadaError: if the source is missing or damaged, or not one of its pictures can be read.
        UsageError: for a distance out of range.
    """
    check_distance(near)  # before the long look, not after it
    reading = reading or Reading()
    source = open_source(path, reading=reading)
    records = progress(source.records, source.count) if progress else source.records
    collected = collect(records, source.class_names, str(Path(path)))
    if not len(collected.table):
        raise nothing_left(Path(path), reading.include, source, [broken.name for broken in collected.broken])
    collected, class_names, note = _settled(collected, source)
    drawn = np.random.default_rng(seed).permutation(len(collected.table))[:samples]
    return Inspection(
        data=str(Path(path)),
        reading=reading,
        near=near,
        seed=seed,
        collected=collected,
        class_names=class_names,
        ignored=source.ignored,
        charts=tuple(make_charts(collected)),
        duplicates=find_duplicates(collected, near),
        samples=tuple(drawn.tolist()),
        note=note,
    )


def _settled(collected: Collected, source: Source) -> tuple[Collected, tuple[str, ...], str]:
    """What was collected, without classes where a stray picture can be read, the class names, and a note on that."""
    none = np.full_like(collected.table.label, -1)
    if not source.stray or (collected.table.label >= 0).all():
        return collected, source.class_names, ""
    note = stray_note(source, [broken.name for broken in collected.broken])
    return replace(collected, labels=[], table=replace(collected.table, label=none)), (), note
