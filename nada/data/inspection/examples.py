"""The pictures that the page shows: which, and small copies of them, read in a second pass over the data."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, features

from nada.data.inspection.inspecting import Inspection
from nada.data.inspection.words import words_of
from nada.data.records import Progress
from nada.data.sources import open_source
from nada.errors import NadaError
from nada.images import load_image

SIDE = 120  # of the longer side on the page, at most
PER_BIN = 8
PER_WORD = 4
GROUPS, PER_GROUP = 60, 8
_MOST = 700
_TEXT = 400  # characters of a caption


@dataclass
class Examples:
    """Small copies as data addresses by row, with captions; and, for every word, the rows whose captions have it."""

    sources: dict[int, str] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    words: dict[int, list[int]] = field(default_factory=dict)
    rows_of_word: list[list[int]] = field(default_factory=list)


def choose(inspection: Inspection) -> list[int]:
    """Rows to show, the most wanted first: random ones, duplicates, then some of every bin of every chart.

    One random order serves all the bins, so that few pictures stand for many.
    """
    chosen = dict.fromkeys(inspection.samples)
    for group in inspection.duplicates.groups[:GROUPS]:
        chosen.update(dict.fromkeys(group.rows[: PER_GROUP // 2]))
    order = inspection.order()
    bins = [order[chart.rows[order] == bin][:PER_BIN] for chart in inspection.charts for bin in range(len(chart.labels))]
    for place in range(PER_BIN):
        chosen.update(dict.fromkeys(int(rows[place]) for rows in bins if len(rows) > place))
    for group in inspection.duplicates.groups[:GROUPS]:
        chosen.update(dict.fromkeys(group.rows[:PER_GROUP]))
    return list(chosen)[:_MOST]


def gather(inspection: Inspection, rows: Sequence[int], words: Sequence[str], progress: Progress | None = None) -> Examples:
    """Read the data once more: small copies of the rows given, their captions, and who uses which word."""
    source = open_source(inspection.data, reading=inspection.reading)
    records = progress(source.records, source.count) if progress else source.records
    row_of_place = {int(place): row for row, place in enumerate(inspection.collected.table.place)}
    wanted, numbers = set(rows), {word: number for number, word in enumerate(words)}
    last = max(row_of_place) if words else int(inspection.collected.table.place[max(wanted)])
    examples = Examples(rows_of_word=[[] for _ in words])
    for place, record in enumerate(records):
        row = row_of_place.get(place)
        if row is not None:
            used = [numbers[word] for word in set(words_of(record.text or "")) if word in numbers] if words else []
            shown = row in wanted or _is_needed(used, examples)
            for number in used:
                examples.rows_of_word[number].append(row)
            if shown:
                _add(examples, row, record.data, record.text, used)
        if place >= last:
            break
    return examples


def _is_needed(used: Sequence[int], examples: Examples) -> bool:
    """Whether a caption has a word that too few pictures stand for; the first that come are taken."""
    return any(len(examples.rows_of_word[number]) < PER_WORD for number in used)


def _add(examples: Examples, row: int, data: bytes, text: str | None, used: list[int]) -> None:
    try:
        examples.sources[row] = encode_small(load_image(data))
    except NadaError:
        return  # the data has changed since the first pass; the page shows one example less
    examples.texts[row] = (text or "")[:_TEXT]
    examples.words[row] = sorted(used)


def encode_small(picture: np.ndarray) -> str:
    """A picture `(H, W, 3)` uint8 as a data address, its longer side at most SIDE; WebP where Pillow has it."""
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    kind, options = ("webp", {"quality": 76, "method": 4}) if features.check("webp") else ("jpeg", {"quality": 80})
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
