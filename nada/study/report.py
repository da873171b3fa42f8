"""`report.html`: the whole study on one page that needs nothing else, neither a network nor a library."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nada.data.wording import plural
from nada.files import write_bytes
from nada.pages import allowance, asset, fill
from nada.study.curves import Curves, read_curves
from nada.study.markup import Markup, join, tag
from nada.study.page_curves import curve_panels, rate_legend
from nada.study.page_front import front_plot, legend
from nada.study.page_pictures import best_rates, picture_grid
from nada.study.page_tables import heat_map, ranked_table
from nada.study.page_texts import answer, asked, failures, setup_section, tiles
from nada.study.pareto import FRONTS
from nada.study.pictures import Strip, read_strips
from nada.study.ranking import Row, View, views_of
from nada.study.results import NONE, Pair, Place, Results

PAGE = "report.html"


def write_report(out: Path, cells: Iterable[Mapping[str, Any]], setup: Mapping[str, Any]) -> Path:
    """Write `report.html` into the folder of a study, whole or not at all, and return its path.

    The page shows every view that `study.json` has: over all prompt pairs and over each, at each learning rate and at
    each policy's best. Pictures and curves are read from the folders of the cells; what is not there is left out.

    Raises:
        NadaError: when the place cannot be written.
    """
    results = Results(cells, setup)
    page = make_page(results, read_strips(Path(out), results), read_curves(Path(out), results))
    return write_bytes(Path(out) / PAGE, page.encode("utf-8", "replace"))


def make_page(results: Results, strips: Mapping[Place, Strip], curves: Curves) -> str:
    """The page as text; equal results give equal pages."""
    script = asset("page/theme.js") + asset("study/report.js")
    parts = {
        "title": html.escape(", ".join(pair.title for pair in results.pairs[:3]) or "study"),
        "style": asset("page/theme.css") + asset("study/report.css"),
        "script": script,
        "allowed": allowance(script),
        "body": _body(results, strips, curves),
    }
    return fill(asset("study/report.html"), parts)


def _body(results: Results, strips: Mapping[Place, Strip], curves: Curves) -> Markup:
    head = tag("header", {}, tag("div", {}, asked(results)))
    if not results.policies:
        return join(head, tag("p", {}, "There are no cells yet."))
    views = views_of(results)
    return join(
        head, answer(results, views[0]), tiles(results), _controls(results),
        _section("Ranking", "By balance: the harmonic mean of target reached and content kept. ± reaches to the ends of the "
                 "95 % interval over seeds. A click on a column's name sorts by it.", _views(views, ranked_table)),
        _section("Target reached against content kept", "Right and up is better. Crosses are 95 % intervals over seeds, thin "
                 "lines lead through a policy's learning rates, the staircase is the front: whatever lies below and left of "
                 "it is dominated.", legend([*results.policies, NONE]), _views(views, lambda view: _fronts(view, views))),
        _section("Every measure", "Means; the stronger the colour, the better within a column. Point at a number for its "
                 "interval.", _views(views, heat_map)),
        _section("The same latents under every policy", "Every column is one latent. The first row is the generator before; "
                 "each policy stands at its best learning rate for the pair unless one is chosen above.",
                 _pair_titles(results), picture_grid(results, strips, best_rates(views))),
        _section("Curves", "Loss and length of the edit in the guide's eyes over the steps; the mean of the seeds, their "
                 "extremes around it, all policies on the same axes.", rate_legend(results), _pairs(results, curves)),
        failures(results), setup_section(results),
        tag("footer", {}, "Made by nada freeze-study. This page holds everything it shows and loads nothing from elsewhere; "
            "study.csv and study.json beside it hold the numbers."),
    )  # fmt: skip


def _section(title: str, text: str, *parts: Markup) -> Markup:
    return tag("section", {}, tag("h2", {}, title), tag("p", {"class": "lead small"}, text), *parts)


def _controls(results: Results) -> Markup:
    """The choices that the script acts on; without it the page shows what is chosen at first."""
    pairs = [("all", f"all {len(results.pairs)} pairs")] if len(results.pairs) > 1 else []
    pairs += [(str(index) if len(results.pairs) > 1 else "all", pair.title) for index, pair in enumerate(results.pairs)]
    rates = [("best", "each policy's best")] if len(results.lrs) > 1 else []
    rates += [(str(index) if len(results.lrs) > 1 else "best", results.rate(lr)) for index, lr in enumerate(results.lrs)]
    seeds = [(str(index), str(seed)) for index, seed in enumerate(results.seeds)]
    choices = [
        _choice("pair", "Prompt pair", pairs),
        _choice("lr", "Learning rate", rates),
        _choice("seed", "Seed of the pictures", seeds),
    ]
    return tag("nav", {"class": "controls", "hidden": True, "aria-label": "what is shown"}, *choices)


def _choice(name: str, title: str, options: list[tuple[str, str]]) -> Markup:
    entries = [tag("option", {"value": value}, text) for value, text in options]
    return tag("label", {}, tag("span", {"class": "muted small"}, title), tag("select", {"name": name}, *entries))


def _views(views: list[View], draw: Any) -> Markup:
    return tag("div", {"class": "card"}, *(_hidden(view, draw(view), index > 0) for index, view in enumerate(views)))


def _hidden(view: View, content: Markup, hidden: bool) -> Markup:
    pair = "all" if view.pair is None else view.results.pairs.index(view.pair)
    lr = "best" if view.lr is None else view.results.lrs.index(view.lr)
    return tag("div", {"class": "view", "data-pair": pair, "data-lr": lr, "hidden": hidden}, content)


def _fronts(view: View, views: list[View]) -> Markup:
    """The plot of each front that the view has numbers for; those behind the first can be unfolded."""
    trails = _trails(view, views)
    first, *others = [axes for axes in FRONTS if view.points(axes)] or [FRONTS[0]]
    more = [
        tag("details", {}, tag("summary", {}, f"{axes[0]} against {axes[1]}"), front_plot(view, trails, axes))
        for axes in others
    ]
    return join(front_plot(view, trails, first), *more)


def _trails(view: View, views: list[View]) -> dict[str, list[Row]]:
    """The rows of each policy at every learning rate, where the view shows but the best."""
    if view.lr is not None:
        return {}
    fixed = [other for other in views if other.pair == view.pair and other.lr is not None]
    return {row.policy: [other.row(row.policy) for other in fixed] for row in view.rows}


def _pairs(results: Results, curves: Curves) -> Markup:
    parts = [_of_pair(results, curves, pair, index) for index, pair in enumerate(results.pairs)]
    return tag("div", {}, *parts)


def _of_pair(results: Results, curves: Curves, pair: Pair, index: int) -> Markup:
    shown = {"class": "of-pair", "data-pair": index, "hidden": index > 0}
    return tag("div", shown, _pair_title(results, pair), curve_panels(results, curves, pair))


def _pair_titles(results: Results) -> Markup:
    """Which pair is seen below, of which there is one at a time."""
    titles = [(index, _pair_title(results, pair)) for index, pair in enumerate(results.pairs)]
    return tag("div", {}, *(tag("div", {"class": "of-pair", "data-pair": i, "hidden": i > 0}, title) for i, title in titles))


def _pair_title(results: Results, pair: Pair) -> Markup:
    others = len(results.pairs) - 1
    more = tag("span", {"class": "muted small"}, f"{plural(others, 'more pair')} can be chosen above") if others else None
    return tag("p", {"class": "which"}, tag("b", {}, pair.title), more)
