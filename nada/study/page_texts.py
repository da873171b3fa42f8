"""The parts of the page that are words: the answer, the counts, what failed, and how everything was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nada.durations import in_words
from nada.study.kinds import kind_of
from nada.study.markup import Markup, join, tag
from nada.study.ranking import View
from nada.study.results import Place, Results, lr_text
from nada.study.table import CRITERION
from nada.study.words import findings

_LISTED = 60  # missing cells
_STATISTICS = (
    "Means are over seeds. Over several prompt pairs every seed counts with its mean over the pairs, so that the interval says "
    "how far the mean could lie with other seeds, not with other prompts. Intervals are Student's t, 95 %.",
    "Policies are compared on matched cells: the same pair and the same seed, that is, the same latents and noise; over several "
    "pairs a seed's difference is its mean over them, so that n counts seeds. A difference has a paired t-interval; p-values are "
    "two-sided, of the paired t-test, and in study.json also of all ways to flip the differences' signs, which assumes least but "
    "can never be smaller than 2 / 2ⁿ. They are corrected for all comparisons of one measure with the baseline in a table "
    "(Holm), but not for the choice of learning rates.",
    "A policy is dominated where another one reaches at least as much and keeps at least as much, and more of one of them, in "
    "the mean; it is on the front where none does. Where half of its cells collapsed or more, a policy has no part in this.",
)


def answer(results: Results, view: View) -> Markup:
    """The answer in words, what speaks for and against it below."""
    first, *others = findings(results, view)
    entries = [
        tag("li", {"class": "look" if found.look else None}, tag("i"), tag("span", {}, found.text)) for found in others
    ]
    lead = tag("p", {"class": "answer"}, first.text)
    return tag("section", {"class": "card answers"}, lead, tag("ul", {"class": "findings"}, *entries))


def tiles(results: Results) -> Markup:
    """How large the study is."""
    good = len(results.cells) - len(results.failed)
    seconds = sum(cell.measures.get("seconds", 0.0) for cell in results.cells)
    facts: list[tuple[int, str, str]] = [
        (len(results.policies), "policy", "policies"),
        (len(results.pairs), "prompt pair", "prompt pairs"),
        (len(results.lrs), "learning rate", "learning rates"),
        (len(results.seeds), "seed", "seeds"),
        (good, "cell with numbers", "cells with numbers"),
    ]
    facts += [(len(results.failed), "failed cell", "failed cells")] if results.failed else []
    facts += [(len(results.missing), "missing cell", "missing cells")] if results.missing else []
    shown = [(str(count), one if count == 1 else several) for count, one, several in facts]
    shown.insert(5, (in_words(seconds), "of work in all"))
    cards = [tag("div", {"class": "card tile"}, tag("b", {}, value), tag("span", {}, name)) for value, name in shown]
    return tag("div", {"class": "tiles"}, *cards)


def asked(results: Results) -> Markup:
    """What was asked: the pairs of prompts, and of which generator."""
    setup = results.setup
    pairs = [
        tag("li", {}, tag("b", {}, pair.source), " → ", tag("b", {}, pair.target), _about(pair.classes))
        for pair in results.pairs
    ]
    named = {key: str(setup[key]) for key in ("generator", "guide", "judge") if setup.get(key)}
    text = "Which layers should move when a generator follows a text"
    return join(
        tag("h1", {}, f"{text}?"),
        tag("p", {"class": "muted"}, " · ".join(f"{key} {value}" for key, value in named.items())),
        tag("ul", {"class": "pairs"}, *pairs),
    )


def _about(classes: tuple[str, ...]) -> Markup | None:
    return tag("span", {"class": "badge"}, ", ".join(classes)) if classes else None


def failures(results: Results) -> Markup | None:
    """Cells that have an error, each with its sentence, and cells that are not there."""
    parts: list[Markup] = []
    if results.failed:
        rows = [tag("tr", {}, *_where(cell.place), tag("td", {}, cell.error)) for cell in results.failed]
        head = tag(
            "tr", {}, *(tag("th", {"scope": "col"}, name) for name in ("policy", "pair", "lr", "seed", "what went wrong"))
        )
        table = tag("table", {"class": "plain-table"}, tag("thead", {}, head), tag("tbody", {}, *rows))
        parts.append(tag("div", {"class": "wide"}, table))
    if results.missing:
        rows = [tag("tr", {}, *_where(place)) for place in results.missing[:_LISTED]]
        more = len(results.missing) - len(rows)
        rest = tag("p", {"class": "note"}, f"and {more} more; study.json lists all") if more else None
        heading = tag("summary", {}, f"{len(results.missing)} cells that were not run")
        parts.append(tag("details", {}, heading, tag("table", {}, *rows), rest))
    if not parts:
        return None
    return tag("section", {}, tag("h2", {}, "What is not there"), tag("div", {"class": "card"}, *parts))


def _where(place: Place) -> list[Markup]:
    texts = (place.policy, place.pair.title, lr_text(place.lr), "–" if place.seed is None else str(place.seed))
    return [tag("td", {}, text) for text in texts]


def setup_section(results: Results) -> Markup:
    """How the numbers were made: the setup, the measures, the statistics."""
    shown = {key: value for key, value in results.setup.items() if key not in ("pairs",)}
    rows = [
        tag("tr", {}, tag("td", {"class": "muted"}, key.replace("_", " ")), tag("td", {}, plain(value)))
        for key, value in shown.items()
    ]
    measures = [
        tag(
            "tr",
            {},
            tag("td", {"class": "muted"}, f"{kind_of(key).title} {kind_of(key).arrow}"),
            tag("td", {}, kind_of(key).of),
        )
        for key in results.measures
    ]
    notes = [tag("p", {"class": "note"}, text) for text in (*_STATISTICS, CRITERION)]
    return tag("section", {"class": "made"}, tag("h2", {}, "How this was made"),
               tag("div", {"class": "pair"}, tag("div", {"class": "card"}, tag("h3", {}, "Setup"), tag("table", {}, *rows)),
                   tag("div", {"class": "card"}, tag("h3", {}, "Numbers"), tag("table", {}, *measures), *notes)))  # fmt: skip


def plain(value: Any) -> str:
    """A value of the setup as people read it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain(own)}" for key, own in value.items()) or "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value)) or "–"
    return "–" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
