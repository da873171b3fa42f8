"""Small drawings of the runs' curves, one per policy and side by side, all on the same axes."""

from __future__ import annotations

from nada.study.curves import CURVES, Curve, Curves
from nada.study.drawing import Scale, line, span, ticks
from nada.study.markup import Markup, tag
from nada.study.results import Pair, Results, lr_text

_WIDTH, _HEIGHT = 200, 96
_LEFT, _TOP, _RIGHT, _BOTTOM = 30, 6, 196, 80


def curve_panels(results: Results, curves: Curves, pair: Pair) -> Markup:
    """Loss and edit length of every policy for a pair; a line per learning rate, the seeds' extremes around it."""
    here = {where: found for where, found in curves.items() if where[0] == pair}
    steps = float(results.setup.get("steps") or 0)
    scales = {name: _scales([found[name] for found in here.values()], steps) for name in CURVES}
    policies = [policy for policy in results.policies if any(where[1] == policy for where in here)]
    if not policies:
        return tag("p", {"class": "muted"}, "The runs of this pair have left no curves.")
    cards = [_card(results, here, pair, policy, scales) for policy in policies]
    return tag("div", {"class": "curves"}, *cards)


def rate_legend(results: Results) -> Markup:
    """Which line is which learning rate."""
    entries = [tag("span", {}, tag("i", {"style": _shade(results, lr)}), f"lr {results.rate(lr)}") for lr in results.lrs]
    return tag("div", {"class": "legend rates"}, *entries)


def _shade(results: Results, lr: float) -> str:
    """The place of a learning rate between the smallest and the largest, for the style sheet to make a colour of."""
    place = results.lrs.index(lr) / max(1, len(results.lrs) - 1)
    return f"--rate:{100 * place:.0f}%"


def _scales(curves: list[Curve], end: float) -> tuple[Scale, Scale]:
    """Both axes; a curve's last point is the mean of several steps, so that it lies before the end of the study's."""
    steps = [end, *(step for curve in curves for step in curve.steps)]
    values = [value for curve in curves for value in (*curve.low, *curve.high)]
    return Scale(0.0, max(steps) or 1.0, _LEFT, _RIGHT), Scale(*span([0.0, *values], 0.02), _BOTTOM, _TOP)


def _card(results: Results, here: Curves, pair: Pair, policy: str, scales: dict[str, tuple[Scale, Scale]]) -> Markup:
    rates = [(lr, here[pair, policy, lr]) for lr in results.lrs if (pair, policy, lr) in here]
    panels = [_panel(results, name, [(lr, found[name]) for lr, found in rates], *scales[name]) for name in CURVES]
    return tag("figure", {"class": "card"}, tag("figcaption", {}, policy), tag("div", {"class": "panels"}, *panels))


def _panel(results: Results, name: str, curves: list[tuple[float, Curve]], across: Scale, up: Scale) -> Markup:
    parts: list[Markup] = []
    for value in ticks(max(0.0, up.low), up.high, 3):
        y = up(value)
        parts.append(tag("line", {"class": "grid", "x1": _LEFT, "x2": _RIGHT, "y1": y, "y2": y}))
        parts.append(tag("text", {"x": _LEFT - 4, "y": y + 3, "text-anchor": "end"}, f"{value:g}"))
    for lr, curve in curves:
        parts += _curve(curve, across, up, _shade(results, lr), f"{name} at lr {lr_text(lr)}")
    last = tag("text", {"x": _RIGHT, "y": _HEIGHT - 3, "text-anchor": "end"}, f"{across.high:.0f} steps")
    title = tag("text", {"class": "what", "x": _LEFT, "y": _HEIGHT - 3}, name)
    return tag("svg", {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-label": name}, *parts, title, last)


def _curve(curve: Curve, across: Scale, up: Scale, style: str, title: str) -> list[Markup]:
    if not curve.steps:
        return []
    over = [(across(step), up(value)) for step, value in zip(curve.steps, curve.high)]
    under = [(across(step), up(value)) for step, value in zip(curve.steps, curve.low)]
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*over, *reversed(under)])
    middle = [(across(step), up(value)) for step, value in zip(curve.steps, curve.mean)]
    hint = tag("title", {}, title)
    band = [] if curve.low == curve.high else [tag("polygon", {"class": "band", "style": style, "points": corners})]
    return [*band, tag("g", {}, hint, line(middle, {"class": "curve", "style": style}))]
