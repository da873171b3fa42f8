"""What a person should know before training on these pictures, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nada.data.inspection.inspecting import Inspection
from nada.data.inspection.words import WordCounts
from nada.data.wording import plural

_SMALL = 64  # pixels of the shorter side below which little can be learned
_SQUARE = 0.05  # how far from 1 a ratio may be and still count as square
_UNBALANCED = 4.0
_RARE = 50


class Finding(NamedTuple):
    """A sentence, and whether something should be done about it ("look") or it is good to know ("note")."""

    level: str
    text: str


def list_findings(inspection: Inspection) -> list[Finding]:
    """Everything that is worth a sentence, what needs a look first."""
    parts = (_broken, _duplicates, _classes, _sizes, _captions, _files)
    found = [finding for part in parts for finding in part(inspection)]
    return sorted(found, key=lambda finding: finding.level != "look")


def _share(count: int, total: int) -> str:
    share = 100 * count / total
    return f"{share:.0f}%" if share >= 9.95 or not count else f"{share:.1f}%" if share >= 0.05 else "under 0.1%"


def _broken(inspection: Inspection) -> Iterator[Finding]:
    if broken := len(inspection.collected.broken):
        verb = "is" if broken == 1 else "are"
        yield Finding("look", f"{plural(broken, 'picture')} cannot be read and {verb} left out of everything below.")


def _duplicates(inspection: Inspection) -> Iterator[Finding]:
    duplicates, total = inspection.duplicates, len(inspection)
    if count := duplicates.identical:
        text = f"{plural(count, 'file')} ({_share(count, total)}) are exact copies" if count > 1 else "1 file is a copy"
        yield Finding("look", f"{text} of an earlier one.")
    if count := duplicates.near:
        text = f"{plural(count, 'picture')} ({_share(count, total)}) nearly repeat another one"
        yield Finding("look" if count > 0.01 * total else "note", f"{text} (at most {inspection.near} of 64 bits apart).")
    if crossing := sum(group.labels_differ for group in duplicates.groups):
        text = plural(crossing, "group of duplicates lies", "groups of duplicates lie")
        yield Finding("look", f"{text} in more than one class: labels may be wrong, or the pictures alike.")
    if duplicates.cut_short:
        yield Finding("look", "There are too many near duplicates to list them all; lower --near.")


def _classes(inspection: Inspection) -> Iterator[Finding]:
    chart = inspection.chart("class")
    if inspection.note:
        yield Finding("look", f"There are {inspection.note}.")
    if chart is None:
        return
    counts, labels = chart.counts, inspection.collected.table.label
    if empty := len(inspection.class_names) - len(np.unique(labels[labels >= 0])):
        yield Finding("look", f"{plural(empty, 'class has', 'classes have')} no picture that can be read.")
    if missing := int((labels < 0).sum()):
        yield Finding("look", f"{plural(missing, 'picture has', 'pictures have')} no class while others do.")
    if len(counts) and counts.max() > _UNBALANCED * counts.min():
        ratio = counts.max() / counts.min()
        yield Finding("note", f"Classes are unbalanced: the largest has {ratio:.0f} times the pictures of the smallest.")
    if rare := int((counts < _RARE).sum()):
        yield Finding("note", f"{plural(rare, 'class has', 'classes have')} fewer than {_RARE} pictures.")


def _sizes(inspection: Inspection) -> Iterator[Finding]:
    table, total = inspection.collected.table, len(inspection)
    short = np.minimum(table.width, table.height)
    small = int((short < _SMALL).sum())
    if 0 < small < total:
        yield Finding("look", f"{_share(small, total)} of the pictures are smaller than {_SMALL} px; at a larger training "
                              "size they would be enlarged.")  # fmt: skip
    oblong = int((np.abs(np.log(table.width / table.height)) > np.log1p(_SQUARE)).sum())
    if oblong:
        yield Finding("note", f"{_share(oblong, total)} are not square: nada data import crops them, unless --fit pad "
                              "keeps them whole.")  # fmt: skip
    if animated := int(table.animated.sum()):
        yield Finding("note", f"{plural(animated, 'file is', 'files are')} animated; the first frame counts.")
    if flat := int(table.flat.sum()):
        text = plural(flat, "picture is", "pictures are")
        yield Finding("look", f"{text} of one colour; they teach nothing and are not compared as near duplicates.")


def _captions(inspection: Inspection) -> Iterator[Finding]:
    words, total = inspection.collected.words, len(inspection)
    if not words.captions:
        return
    if words.captions < total:
        yield Finding("look", f"{plural(total - words.captions, 'picture has', 'pictures have')} no caption.")
    if words.distinct < words.captions:
        repeated = words.captions - words.distinct
        yield Finding("note", f"{plural(repeated, 'caption repeats', 'captions repeat')} an earlier one.")
    if opening := common_opening(words):
        share = _share(words.opening()[1], words.captions)
        yield Finding("note", f"{share} of the captions begin with \u201c{opening}\u201d.")


def common_opening(words: WordCounts) -> str:
    """The three words that at least half of the captions begin with, or nothing."""
    opening, count = words.opening()
    return opening if count >= max(2, 0.5 * words.captions) else ""


def _files(inspection: Inspection) -> Iterator[Finding]:
    if ignored := len(inspection.ignored):
        yield Finding("note", f"{plural(ignored, 'other file is', 'other files are')} no picture by the name.")
