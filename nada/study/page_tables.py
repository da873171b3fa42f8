"""The ranked table and the heat map of a view."""

from __future__ import annotations

from nada.study.drawing import Scale, family, mark, span
from nada.study.kinds import BALANCE, LARGER, NEITHER, SHOWN, kind_of
from nada.study.markup import Markup, tag
from nada.study.pareto import FRONTS
from nada.study.ranking import Row, View
from nada.study.results import lr_text
from nada.study.statistics import Comparison
from nada.study.words import brief_text, p_text, signed

_BAR = 96
_WORDS = ("", "policy", "front")  # columns that hold no numbers


def ranked_table(view: View) -> Markup:
    """The policies in their order; every column can be sorted by (`data-sort` holds the number)."""
    keys = [key for key in (BALANCE, *SHOWN) if any(row.spread(key).n for row in view.rows)]
    best = view.lr is None and len(view.results.lrs) > 1
    scale = _interval_scale(view)
    heads = ["", "policy", "lr", "", *(f"{kind_of(key).title} {kind_of(key).arrow}" for key in keys)]
    hints = ["rank", "", "learning rate", "balance with its interval", *(kind_of(key).of for key in keys)]
    heads += ["held out"] if best else []
    heads += [f"− {view.baseline}", "p, Holm", "front", "cells"]
    hints += ["balance with the learning rate chosen by the other seeds"] if best else []
    hints += ["difference of balance to the baseline, matched by pair and seed",
              "paired t-test over seeds, corrected for all comparisons of this column",
              "of projection against content", "good cells of those there should be"]  # fmt: skip
    head = tag("tr", {}, *(_head(text, hint) for text, hint in zip(heads, hints, strict=True)))
    rows = [_ranked_row(row, view, rank, keys, best, scale) for rank, row in enumerate(view.rows, 1)]
    if view.source.good:
        rows.append(_ranked_row(view.source, view, 0, keys, best, scale))
    return tag("div", {"class": "wide"}, tag("table", {"class": "ranked"}, tag("thead", {}, head), tag("tbody", {}, *rows)))


def _head(text: str, hint: str) -> Markup:
    inside = tag("button", {"type": "button"}, text) if text else None
    return tag("th", {"title": hint or None, "scope": "col", "class": None if text in _WORDS else "number"}, inside)


def _cell(text: str, value: float | None, classes: str = "number") -> Markup:
    return tag("td", {"class": classes, "data-sort": None if value is None else repr(value)}, text)


def _ranked_row(row: Row, view: View, rank: int, keys: list[str], best: bool, scale: Scale) -> Markup:
    ranked = rank > 0 and view.is_ranked(row)
    kind = family(row.policy)
    drawn = mark(kind, 7.0, 7.0, 4.5, {"class": f"mark {kind}"})
    shape = tag("svg", {"viewBox": "0 0 14 14", "class": "key", "aria-hidden": "true"}, drawn)
    badges = [f"= {alias}" for alias in view.results.aliases(row.policy)]
    badges += ["baseline"] if row.policy == view.baseline else []
    notes = [tag("span", {"class": "badge"}, text) for text in badges]
    name = tag("th", {"scope": "row", "data-sort": row.policy}, shape, row.policy, *notes)
    cells = [_cell(str(rank) if ranked else "", float(rank) if ranked else None), name, _cell(lr_text(row.lr), row.lr)]
    cells.append(tag("td", {"class": "interval"}, _interval(row, scale)))
    cells += [_cell(brief_text(row.spread(key), key), row.spread(key).mean) for key in keys]
    if best:
        held = row.held_out.mean if row.held_out else None
        cells.append(_cell(kind_of(BALANCE).text(held), held))
    cells += _against(row)
    cells += [tag("td", {"class": "state"}, *_state(row, view)), tag("td", {"class": "number"}, *_count(row))]
    return tag("tr", {"class": None if ranked else "unranked"}, *cells)


def _against(row: Row) -> list[Markup]:
    found = row.comparisons.get(BALANCE)
    if found is None:
        return [_cell("", None), _cell("", None)]
    text = f"{signed(found, brief_text(found.difference, BALANCE))}"
    difference = tag("td", {"class": "number", "data-sort": repr(found.difference.mean),
                            "title": f"n = {found.difference.n} matched seeds"}, text)  # fmt: skip
    return [difference, _p_cell(found)]


def _p_cell(found: Comparison) -> Markup:
    p = found.p_holm
    text = "–" if p is None else p_text(p).removeprefix("p = ").removeprefix("p ")
    hints = [] if found.p_t is None else [f"before the correction {p_text(found.p_t)}"]
    hints += (
        []
        if found.p_flip is None
        else [f"by exact sign flips {p_text(found.p_flip)}, corrected {p_text(found.p_flip_holm)}"]
    )
    return tag(
        "td", {"class": "number", "data-sort": None if p is None else repr(p), "title": "; ".join(hints) or None}, text
    )


def _state(row: Row, view: View) -> list[Markup]:
    """Whether a policy is on the front, else what speaks against it."""
    badges = [_badge("on", "front", "")] if row.policy in view.front() else []
    rivals = row.dominated.get(FRONTS[0])
    sure = f"; beyond the intervals: {', '.join(row.surely)}" if row.surely else "; not beyond the intervals"
    by = f"dominated by {', '.join(rivals)}{sure}" if rivals else ""
    fallen = row.spread("collapsed").mean
    if fallen:
        rest = "; with half of them or more a policy has no part in the front" if row.has_collapsed else ""
        hint = "; ".join(filter(None, (f"share of its cells that collapsed, which count 0 in balance{rest}", by)))
        return [*badges, _badge("look", f"{fallen:.0%} collapsed", hint)]
    return badges + ([_badge("", "dominated" if row.surely else "below", by)] if by else [])


def _badge(kind: str, text: str, hint: str) -> Markup:
    return tag("span", {"class": f"badge {kind}".strip(), "title": hint or None}, text)


def _count(row: Row) -> list[Markup | str]:
    parts: list[Markup | str] = [f"{row.good}/{row.expected}"]
    if row.failed:
        parts.append(tag("span", {"class": "badge look"}, f"{row.failed} failed"))
    return parts


def _interval_scale(view: View) -> Scale:
    found = [row.spread(BALANCE) for row in view.rows]
    return Scale(*span(value for one in found for value in (one.low, one.mean, one.high) if value is not None), 0, _BAR)


def _interval(row: Row, scale: Scale) -> Markup | None:
    found = row.spread(BALANCE)
    if found.mean is None or not scale.low <= found.mean <= scale.high:
        return None
    x, kind = scale(found.mean), family(row.policy)
    parts: list[Markup] = []
    if found.low is not None and found.high is not None:
        parts.append(
            tag("line", {"class": f"whisker {kind}", "x1": scale(found.low), "x2": scale(found.high), "y1": 9, "y2": 9})
        )
    parts.append(mark(kind, x, 9.0, 3.6, {"class": f"mark {kind}"}))
    return tag("svg", {"viewBox": f"0 0 {_BAR} 18", "aria-hidden": "true"}, *parts)


def heat_map(view: View) -> Markup:
    """Every measure of every policy; the stronger its colour, the better within its column. The numbers stand in it."""
    rows = [*view.rows, *([view.source] if view.source.good else [])]
    keys = [key for key in view.results.measures if any(row.spread(key).n for row in rows)]
    head = [tag("th", {"scope": "col"}), *(_heat_head(key) for key in keys)]
    body = [
        tag("tr", {}, tag("th", {"scope": "row"}, row.policy), *(_heat_cell(row, view, key) for key in keys)) for row in rows
    ]
    table = tag("table", {"class": "heat"}, tag("thead", {}, tag("tr", {}, *head)), tag("tbody", {}, *body))
    return tag("div", {"class": "wide"}, table)


def _heat_head(key: str) -> Markup:
    kind = kind_of(key)
    return tag("th", {"scope": "col", "title": kind.of}, f"{kind.title}\u00a0{kind.arrow}")


def _heat_cell(row: Row, view: View, key: str) -> Markup:
    found, kind = row.spread(key), kind_of(key)
    means = [mean for other in view.rows if (mean := other.spread(key).mean) is not None]
    style = None
    if found.mean is not None and kind.better != NEITHER and max(means, default=0) > min(means, default=0):
        share = (found.mean - min(means)) / (max(means) - min(means))
        share = min(1.0, max(0.0, share if kind.better == LARGER else 1 - share))
        style = f"--heat:{60 * share:.0f}%"
    return tag(
        "td", {"style": style, "title": f"{kind.title}: {brief_text(found, key)}, n = {found.n}"}, kind.text(found.mean)
    )
