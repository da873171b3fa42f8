"""What a reader of a study should have in mind: chosen learning rates, grain, collapse, and what is not there."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from nada.data.wording import plural
from nada.study.kinds import BALANCE, kind_of
from nada.study.ranking import View
from nada.study.results import Cell, Results

GRAIN = "colour_noise"
MUCH_GRAIN = 1.5  # times what the generator had before


class Finding(NamedTuple):
    """A sentence; `look` where it calls for caution."""

    text: str
    look: bool = False


def doubts(results: Results, view: View) -> list[Finding]:
    """What stands against the numbers of a view, or beside them."""
    return [*_chosen_rate(view), *_edges(view), *_grain(view), *_collapsed(results), *_incomplete(results, view)]


def _chosen_rate(view: View) -> list[Finding]:
    row = next((row for row in view.rows if view.is_ranked(row)), None)
    if row is None or row.held_out is None or row.held_out.mean is None or len(view.results.lrs) < 2:
        return []
    text = (
        f"Each policy stands at its best of {len(view.results.lrs)} learning rates, chosen by balance on these very numbers, "
        f"which flatters; with the rate chosen by the other seeds, {row.policy} has {row.held_out.mean:.3f} instead of "
        f"{row.spread(BALANCE).mean:.3f}."
    )
    return [Finding(text)]


def _edges(view: View) -> list[Finding]:
    """Policies whose best learning rate is the last one on either side: a better one may lie beyond it."""
    lrs = view.results.lrs
    if view.lr is not None or len(lrs) < 2:
        return []
    ranked = [row for row in view.rows if view.is_ranked(row)]
    sides = [(f"{name} ({view.results.rate(lr)})", [row.policy for row in ranked if row.lr == lr])
             for name, lr in (("smallest", min(lrs)), ("largest", max(lrs)))]  # fmt: skip
    told = [f"at the {side}: {', '.join(policies)}" for side, policies in sides if policies]
    if not told:
        return []
    return [
        Finding(f"Best at the edge of the learning rates, so that a better one may lie beyond it: {'; '.join(told)}.", True)
    ]


def _grain(view: View) -> list[Finding]:
    """Policies whose pictures have much more grain of colour than before, which neither balance nor an encoder minds."""
    before = view.source.spread(GRAIN).mean
    if not before:
        return []
    ranked = [row for row in view.rows if view.is_ranked(row)]
    found = [(row, mean) for row in ranked if (mean := row.spread(GRAIN).mean) is not None and mean > MUCH_GRAIN * before]
    if not found:
        return []
    told = ", ".join(f"{row.policy} {mean:.2f}" for row, mean in sorted(found, key=lambda one: -one[1]))
    text = f"{kind_of(GRAIN).title} more than {MUCH_GRAIN:g} times that before ({before:.2f}), which balance does not count"
    return [Finding(f"{text[0].upper()}{text[1:]}: {told}. Look at the pictures.", True)]


def _collapsed(results: Results) -> list[Finding]:
    cells = [cell for cell in results.cells if "collapsed" in cell.measures]
    fallen = Counter(cell.place.policy for cell in cells if cell.value("collapsed"))
    if not cells:
        return []
    if not fallen:
        return [Finding(f"None of {plural(len(cells), 'cell')} collapsed.")]
    whole = Counter(cell.place.policy for cell in cells)
    named = ", ".join(f"{policy} ({count} of {whole[policy]})" for policy, count in fallen.most_common())
    return [Finding(f"{fallen.total()} of {plural(len(cells), 'cell')} collapsed: {named}.{_by_rate(results, cells)}", True)]


def _by_rate(results: Results, cells: list[Cell]) -> str:
    """The same by learning rate, where there are several."""
    if len(results.lrs) < 2:
        return ""
    counts = []
    for lr in results.lrs:
        own = [cell for cell in cells if cell.place.lr == lr]
        counts.append(f"{sum(cell.value('collapsed') > 0 for cell in own)} of {len(own)} at {results.rate(lr)}")
    return f" By learning rate: {', '.join(counts)}."


def _incomplete(results: Results, view: View) -> list[Finding]:
    texts = []
    failed, missing = len(results.failed), len(results.missing)
    if failed:
        texts.append(f"{plural(failed, 'cell')} failed and {'is' if failed == 1 else 'are'} in no mean.")
    if missing:
        texts.append(f"{plural(missing, 'cell')} of the grid {'is' if missing == 1 else 'are'} not there yet.")
    unranked = [row.policy for row in view.rows if not view.is_ranked(row)]
    if unranked:
        texts.append(f"Not ranked, for want of numbers for every prompt pair: {', '.join(unranked)}.")
    if len(results.seeds) == 1:
        texts.append("With one seed there are no intervals over seeds: what differs may differ by chance.")
    return [Finding(text, look=True) for text in texts]
