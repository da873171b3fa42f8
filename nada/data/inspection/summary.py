"""An inspection as plain values, for programs, and as plain text, for the terminal."""

from __future__ import annotations

from typing import Any

import numpy as np

from nada.data.inspection.findings import list_findings
from nada.data.inspection.inspecting import Inspection
from nada.data.wording import plural, printable

LISTED = 20  # names that the text gives of a long list; the JSON has them all
_WORDS = 50
_INDENT = 18


def summarise(inspection: Inspection) -> dict[str, Any]:
    """Everything that was measured, as values that JSON can hold: counts, quantiles, distributions, names."""
    collected, table = inspection.collected, inspection.collected.table
    return {
        "data": inspection.data,
        "include": inspection.reading.include,
        "pictures": len(table),
        "bytes": int(table.file_bytes.sum()),
        "broken": [broken._asdict() for broken in collected.broken],
        "ignored": list(inspection.ignored),
        "width": _quantiles(table.width),
        "height": _quantiles(table.height),
        "aspect": _quantiles(table.width / table.height),
        "black_and_white": int(table.monochrome.sum()),
        "brightness": _quantiles(table.brightness),
        "colourfulness": _quantiles(table.colourfulness),
        "animated": int(table.animated.sum()),
        "one_colour": int(table.flat.sum()),
        "charts": {chart.key: dict(zip(chart.labels, chart.counts.tolist())) for chart in inspection.charts},
        "captions": _captions(inspection),
        "duplicates": _duplicates(inspection),
        "samples": [inspection.name(row) for row in inspection.samples],
        "seed": inspection.seed,
        "findings": [finding._asdict() for finding in list_findings(inspection)],
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    lowest, low, middle, high, highest = np.quantile(values, (0, 0.05, 0.5, 0.95, 1)).tolist()
    names = ("min", "p5", "median", "p95", "max", "mean")
    numbers = (lowest, low, middle, high, highest, float(values.mean(dtype=np.float64)))
    return {name: round(number, 4) for name, number in zip(names, numbers)}


def _captions(inspection: Inspection) -> dict[str, Any] | None:
    words, table = inspection.collected.words, inspection.collected.table
    if not words.captions:
        return None
    present = table.words >= 0
    return {
        "count": words.captions,
        "distinct": words.distinct,
        "vocabulary": words.vocabulary,
        "words": _quantiles(table.words[present]),
        "characters": _quantiles(table.characters[present]),
        "frequent_words": [word._asdict() for word in words.frequent(_WORDS)],
        "frequent_adjectives": [word._asdict() for word in words.frequent(_WORDS, adjectives=True)],
    }


def _duplicates(inspection: Inspection) -> dict[str, Any]:
    found = inspection.duplicates
    groups = [
        {
            "pictures": [inspection.name(row) for row in group.rows],
            "identical": group.identical,
            "classes_differ": group.labels_differ,
        }
        for group in found.groups
    ]
    return {
        "identical": found.identical,
        "near": found.near,
        "distance": inspection.near,
        "cut_short": found.cut_short,
        "groups": groups,
    }


def as_text(summary: dict[str, Any]) -> str:
    """The summary as lines for a terminal; long lists are cut."""
    lines = [
        ("pictures", f"{summary['pictures']:,} ({_bytes(summary['bytes'])}), {len(summary['broken']):,} broken"),
        ("size", _sizes(summary)),
        ("aspect ratio", _top(summary["charts"]["aspect"])),
        ("colour", _top(summary["charts"]["colour"])),
        ("background", _top(summary["charts"]["background"])),
        ("format, mode", f"{_top(summary['charts']['format'])}; {_top(summary['charts']['mode'])}"),
    ]
    classes = summary["charts"].get("class", {})
    lines.append(("classes", f"{len(classes)}: {_top(classes, 12, shares=False)}" if classes else "none"))
    lines += _caption_lines(summary["captions"])
    lines.append(("duplicates", _duplicate_line(summary["duplicates"])))
    text = [printable(summary["data"]), *(f"  {name:<{_INDENT - 2}}{printable(value)}" for name, value in lines)]
    for finding in summary["findings"]:
        text.append(f"  {'!' if finding['level'] == 'look' else '-'} {finding['text']}")
    return "\n".join([*text, *_broken_lines(summary["broken"])])


def _sizes(summary: dict[str, Any]) -> str:
    width, height = summary["width"], summary["height"]
    if width["min"] == width["max"] and height["min"] == height["max"]:
        return f"all {width['min']:.0f} x {height['min']:.0f} px"
    ranges = f"from {width['min']:.0f} to {width['max']:.0f} wide, {height['min']:.0f} to {height['max']:.0f} high"
    return f"median {width['median']:.0f} x {height['median']:.0f} px, {ranges}"


def _top(counts: dict[str, int], limit: int = 5, shares: bool = True) -> str:
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    shown = [f"{name} {f'{100 * count / total:.1f}%' if shares else f'{count:,}'}" for name, count in ranked if count]
    rest = f", {len(shown) - limit} more" if len(shown) > limit else ""
    return ", ".join(shown[:limit]) + rest


def _caption_lines(captions: dict[str, Any] | None) -> list[tuple[str, str]]:
    if captions is None:
        return []
    words = captions["words"]
    length = f"{words['min']:.0f} to {words['max']:.0f} words, median {words['median']:.0f}"
    lines = [("captions", f"{captions['count']:,}, {captions['distinct']:,} distinct; {length}")]
    for title, key in (("words", "frequent_words"), ("adjectives*", "frequent_adjectives")):
        frequent = ", ".join(f"{word['word']} {word['count']:,}" for word in captions[key][:10])
        lines.append((title, frequent or "none"))
    return [*lines, ("", "* by a word list and endings, for English; no grammar is looked at")]


def _duplicate_line(found: dict[str, Any]) -> str:
    identical = plural(found["identical"], "exact copy", "exact copies")
    return f"{identical}, {plural(found['near'], 'near duplicate')}, in {plural(len(found['groups']), 'group')}"


def _broken_lines(broken: list[dict[str, str]]) -> list[str]:
    lines = [f"    {printable(picture['name'])}: {printable(picture['reason'])}" for picture in broken[:LISTED]]
    rest = [f"    and {len(broken) - LISTED} more (--json lists them all)"] if len(broken) > LISTED else []
    return ["  broken pictures:", *lines, *rest] if broken else []


def _bytes(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("the loop ends at GB")
