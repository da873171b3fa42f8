"""Everything that the page's script draws, as values that JSON can hold."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from nada.data.inspection.charts import Chart
from nada.data.inspection.cloud import HEIGHT, WIDTH, lay_out
from nada.data.inspection.examples import GROUPS, PER_GROUP, Examples
from nada.data.inspection.findings import common_opening, list_findings
from nada.data.inspection.inspecting import Inspection
from nada.data.inspection.words import Word

CLOUD, ADJECTIVES = 70, 30
_NAMES = 300  # of broken and of other files, at most
_TABLE_BYTES = 400_000  # of the bins of all pictures, which the charts are filtered by
_WORD_BYTES = 150_000


def chosen_words(inspection: Inspection) -> list[Word]:
    """The words of the page, first those of the cloud, then the adjectives that it has not."""
    words = inspection.collected.words
    cloud = words.frequent(CLOUD)
    known = {word.word for word in cloud}
    return [*cloud, *(word for word in words.frequent(ADJECTIVES, adjectives=True) if word.word not in known)]


def make_payload(inspection: Inspection, words: list[Word], examples: Examples) -> dict[str, Any]:
    """All but the pictures: counts, charts, the bins of every picture, words, duplicates, broken files."""
    rows = _table_rows(inspection)
    return {
        "data": inspection.data,
        "total": len(inspection),
        "findings": [finding._asdict() for finding in list_findings(inspection)],
        "charts": [_chart(chart) for chart in inspection.charts],
        "table": {"rows": len(rows), "columns": [_packed(chart.rows[rows]) for chart in inspection.charts]},
        "words": _words(inspection, words, examples, rows),
        "cloud": {"width": WIDTH, "height": HEIGHT, "placed": _cloud(words)},
        "frequent": min(CLOUD, len(words)),
        "opening": common_opening(inspection.collected.words),
        "samples": list(inspection.samples),
        "seed": inspection.seed,
        "duplicates": _duplicates(inspection),
        "broken": [list(broken) for broken in inspection.collected.broken[:_NAMES]],
        "brokenCount": len(inspection.collected.broken),
        "ignored": list(inspection.ignored[:_NAMES]),
        "ignoredCount": len(inspection.ignored),
    }


def make_pictures(inspection: Inspection, wanted: list[int], examples: Examples) -> list[dict[str, Any]]:
    """One entry for every small copy, the most wanted first."""
    order = {row: place for place, row in enumerate(wanted)}
    rows = sorted(examples.sources, key=lambda row: (order.get(row, len(order)), row))
    table = inspection.collected.table
    return [
        {
            "row": row,
            "src": examples.sources[row],
            "name": inspection.name(row),
            "text": examples.texts[row],
            "width": int(table.width[row]),
            "height": int(table.height[row]),
            "bytes": int(table.file_bytes[row]),
            "bins": [int(chart.rows[row]) for chart in inspection.charts],
            "words": examples.words[row],
        }
        for row in rows
    ]


def _chart(chart: Chart) -> dict[str, Any]:
    return {
        "key": chart.key,
        "title": chart.title,
        "kind": chart.kind,
        "labels": list(chart.labels),
        "counts": chart.counts.tolist(),
        "note": chart.note,
        "points": [list(point) for point in chart.points],
    }


def _table_rows(inspection: Inspection) -> np.ndarray:
    """The rows that the page can count anew: all, or as many random ones as there is room for."""
    most = _TABLE_BYTES // max(1, sum(len(chart.labels) > 1 for chart in inspection.charts))
    if len(inspection) <= most:
        return np.arange(len(inspection))
    return np.sort(inspection.order()[:most])


def _packed(values: np.ndarray) -> str:
    """Bytes in base 64; a column of one value, as equal sizes have, is one byte."""
    same = len(values) and (values == values[0]).all()
    return base64.b64encode((values[:1] if same else values).tobytes()).decode()


def _words(inspection: Inspection, words: list[Word], examples: Examples, rows: np.ndarray) -> list[dict[str, Any]]:
    """Every word with its counts and, as long as there is room, one bit per row that says who uses it."""
    room = _WORD_BYTES // max(1, len(rows) // 8 + 1)
    entries = []
    for number, word in enumerate(words):
        uses = np.zeros(len(inspection), bool)
        uses[examples.rows_of_word[number]] = True
        bits = base64.b64encode(np.packbits(uses[rows], bitorder="little").tobytes()).decode() if number < room else ""
        entries.append({**word._asdict(), "bits": bits})
    return entries


def _cloud(words: list[Word]) -> list[list[float]]:
    return [list(place) for place in lay_out([(word.word, word.count) for word in words[:CLOUD]])]


def _duplicates(inspection: Inspection) -> dict[str, Any]:
    found = inspection.duplicates
    groups = [
        {
            "rows": list(group.rows[:PER_GROUP]),
            "names": [inspection.name(row) for row in group.rows[: 2 * PER_GROUP]],
            "count": len(group.rows),
            "identical": group.identical,
            "differ": group.labels_differ,
        }
        for group in found.groups[:GROUPS]
    ]
    return {
        "groups": groups,
        "count": len(found.groups),
        "identical": found.identical,
        "near": found.near,
        "distance": inspection.near,
    }
