"""The grid of pictures: the same latents under every policy, a row each, below what the generator made before."""

from __future__ import annotations

from collections.abc import Mapping

from nada.study.kinds import SHOWN, kind_of
from nada.study.markup import Markup, tag
from nada.study.pictures import Strip
from nada.study.ranking import View
from nada.study.results import NONE, Cell, Place, Results, lr_text


def picture_grid(results: Results, strips: Mapping[Place, Strip], best: Mapping[tuple[str, str], float | None]) -> Markup:
    """All rows there are. The page's script shows those of one pair, seed and learning rate at a time.

    Args:
        best: by the pair's title and the policy, the learning rate that is shown unless another one is asked for.
    """
    first = results.seeds[0] if results.seeds else None
    rows = [
        _row(results, cell, strips[cell.place], best.get((cell.place.pair.title, cell.place.policy)), first)
        for cell in results.cells
        if cell.place in strips
    ]
    if not rows:
        return tag("p", {"class": "muted"}, "The cells have left no pictures.")
    return tag("div", {"class": "strips"}, *rows)


def _row(results: Results, cell: Cell, strip: Strip, best: float | None, first: int | None) -> Markup:
    place = cell.place
    source = place.policy == NONE
    is_best = source or place.lr == best
    shown = place.pair == results.pairs[0] and is_best and place.seed in (None, first)
    where = {
        "data-pair": results.pairs.index(place.pair),
        "data-lr": "any" if place.lr is None else results.lrs.index(place.lr),
        "data-seed": "any" if place.seed is None else results.seeds.index(place.seed),
        "data-best": "yes" if is_best else None,
    }
    name = "before" if source else place.policy
    same = "".join(f" = {alias}" for alias in results.aliases(place.policy))
    caption = tag("figcaption", {}, tag("b", {}, name + same), tag("span", {"class": "muted small"}, _facts(cell)))
    described = f"pictures of {place.policy}, {place.pair.title}, lr {lr_text(place.lr)}, seed {place.seed}"
    size = {"width": strip.width, "height": strip.height, "class": "pixels" if strip.small else None}
    image = tag("img", {"src": strip.source, "alt": described, "loading": "lazy", **size})
    classes = "strip before" if source else "strip"
    return tag("figure", {"class": classes, **where, "hidden": not shown}, caption, image)


def _facts(cell: Cell) -> str:
    if cell.place.policy == NONE:
        return "no adaptation"
    parts = [f"lr {lr_text(cell.place.lr)}"]
    parts += [f"{kind_of(key).title} {kind_of(key).text(cell.measures[key])}" for key in SHOWN if key in cell.measures]
    return ", ".join(parts) + (", collapsed" if cell.value("collapsed") == 1 else "")


def best_rates(views: list[View]) -> dict[tuple[str, str], float | None]:
    """The learning rates of the views that choose one, by pair and policy."""
    choosing = [view for view in views if view.lr is None]
    return {(pair.title, row.policy): row.lr for view in choosing for pair in view.pairs for row in view.rows}
