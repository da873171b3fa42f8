"""The picture of the question: target reached against content kept, with intervals, labels and the front."""

from __future__ import annotations

from nada.study.drawing import FAMILIES, Label, Scale, axes, family, line, mark, place_labels, span
from nada.study.kinds import kind_of
from nada.study.markup import Markup, join, tag
from nada.study.pareto import Point
from nada.study.ranking import Row, View
from nada.study.results import NONE, lr_text
from nada.study.words import spread_text

WIDTH, HEIGHT = 860, 500
_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 26, 850, 446
_MOST_AROUND = 0.4  # of the range of the means; with two seeds intervals reach much further


def front_plot(view: View, trails: dict[str, list[Row]], measures: tuple[str, str]) -> Markup:
    """A scatter plot of the ranked policies of a view.

    Args:
        trails: by policy, its rows at every learning rate; drawn as a thin line that ends nowhere in particular.
        measures: what is reached (across) and what is kept (up).
    """
    rows = [row for row in view.rows if view.is_ranked(row) and _point(row, measures)]
    if not rows:
        return tag("p", {"class": "muted"}, "No policy has both numbers.")
    shown = [*rows, *([view.source] if _point(view.source, measures) else [])]
    across, up = _scales(shown, trails, measures)
    at = {row.policy: (across(row.spread(measures[0]).mean), up(row.spread(measures[1]).mean)) for row in shown}
    names = [row.policy for row in shown]
    labels = place_labels([(name, *at[name]) for name in names], (_LEFT, _TOP, _RIGHT + 8, _BOTTOM))
    front = view.front(measures)
    titles = tuple(f"{kind_of(key).title} {kind_of(key).arrow}" for key in measures)
    parts = [
        axes(across, up, titles),
        _front_line([at[name] for name in front]),
        *(_trail(trails.get(row.policy, []), across, up, measures) for row in rows),
        *(_policy(row, view, measures, across, up, row.policy in front) for row in shown),
        *(_label(label, front) for label in labels),
    ]
    title = f"{kind_of(measures[0]).title} against {kind_of(measures[1]).title}"
    box = f"0 0 {WIDTH} {HEIGHT}"
    return tag("svg", {"class": "front", "viewBox": box, "role": "img", "aria-label": title}, *parts)


def legend(policies: list[str]) -> Markup:
    """What the shapes stand for."""
    present = [name for name in FAMILIES if any(family(policy) == name for policy in policies)]
    entries = [
        tag("span", {}, tag("svg", {"viewBox": "0 0 14 14", "aria-hidden": "true"},
                            mark(name, 7.0, 7.0, 4.5, {"class": f"mark {name}"})), FAMILIES[name])
        for name in present
    ]  # fmt: skip
    return tag("div", {"class": "legend"}, *entries)


def _point(row: Row, measures: tuple[str, str]) -> Point | None:
    reached, kept = (row.spread(key).mean for key in measures)
    return None if reached is None or kept is None else Point(reached, kept)


def _scales(rows: list[Row], trails: dict[str, list[Row]], measures: tuple[str, str]) -> tuple[Scale, Scale]:
    everything = [*rows, *(row for trail in trails.values() for row in trail)]
    ranges = [_range(rows, everything, key) for key in measures]
    return Scale(*ranges[0], _LEFT, _RIGHT), Scale(*ranges[1], _BOTTOM, _TOP)


def _range(rows: list[Row], everything: list[Row], key: str) -> tuple[float, float]:
    """From the least to the largest mean, with the intervals as far as they leave room to tell the means apart."""
    means = [mean for row in everything if (mean := row.spread(key).mean) is not None]
    room = _MOST_AROUND * (max(means) - min(means)) or 0.1
    ends = [end for row in rows for end in (row.spread(key).low, row.spread(key).high) if end is not None]
    return span([*means, *(min(max(end, min(means) - room), max(means) + room) for end in ends)])


def _front_line(points: list[tuple[float, float]]) -> Markup | None:
    """The staircase below and left of which everything is dominated."""
    if not points:
        return None
    steps = [(_LEFT, points[0][1])]
    for (x, y), after in zip(points, [*points[1:], None]):
        steps += [(x, y), (x, after[1] if after else _BOTTOM)]
    return line(steps, {"class": "staircase"})


def _trail(rows: list[Row], across: Scale, up: Scale, measures: tuple[str, str]) -> Markup | None:
    points = [(row, point) for row in rows if (point := _point(row, measures))]
    if len(points) < 2:
        return None
    drawn = [(across(point.reached), up(point.kept)) for _, point in points]
    kind = family(rows[0].policy)
    dots = [
        tag("circle", {"cx": x, "cy": y, "r": 2.4, "class": f"mark {kind} small"},
            tag("title", {}, f"{row.policy} at lr {lr_text(row.lr)}"))
        for (row, _), (x, y) in zip(points, drawn)
    ]  # fmt: skip
    return join(line(drawn, {"class": f"trail {kind}"}), *dots)


def _policy(row: Row, view: View, measures: tuple[str, str], across: Scale, up: Scale, on_front: bool) -> Markup:
    reached, kept = (row.spread(key) for key in measures)
    x, y = across(reached.mean), up(kept.mean)
    kind = family(row.policy)
    whiskers = []
    if reached.low is not None and reached.high is not None:
        ends = {"x1": max(across(reached.low), _LEFT), "x2": min(across(reached.high), _RIGHT)}
        whiskers.append(tag("line", {"class": f"whisker {kind}", **ends, "y1": y, "y2": y}))
    if kept.low is not None and kept.high is not None:
        ends = {"y1": min(up(kept.low), _BOTTOM), "y2": max(up(kept.high), _TOP)}
        whiskers.append(tag("line", {"class": f"whisker {kind}", "x1": x, "x2": x, **ends}))
    size = 6.0 if on_front or row.policy == NONE else 4.8
    shape = mark(kind, x, y, size, {"class": f"mark {kind}{'' if on_front or row.policy == NONE else ' beaten'}"})
    return tag("g", {"class": "policy"}, tag("title", {}, _title(row, view, measures)), *whiskers, shape)


def _title(row: Row, view: View, measures: tuple[str, str]) -> str:
    lines = [row.policy + (f" at lr {lr_text(row.lr)}" if row.lr is not None else "")]
    lines += [f"{kind_of(key).title} {spread_text(row.spread(key), key)}, n = {row.spread(key).n}" for key in measures]
    if row.dominated.get(measures):
        lines.append(f"dominated by {', '.join(row.dominated[measures])}")
    return "\n".join(lines)


def _label(label: Label, front: list[str]) -> Markup:
    of = "name front-name" if label.text in front else "name"
    place = {"x": label.x, "y": label.y, "text-anchor": label.anchor}
    return tag("text", {"class": f"{of} {family(label.text)}", **place}, label.text)
