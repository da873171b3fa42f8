"""What a study says, in sentences with their numbers; nothing is claimed that has no number beside it."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from nada.data.wording import plural
from nada.study.kinds import BALANCE, KEPT, REACHED, kind_of
from nada.study.pareto import FRONTS
from nada.study.ranking import Row, View
from nada.study.results import Results, lr_text
from nada.study.statistics import Comparison, Spread, least_flipped

SURE = 0.05
_SAID = {
    REACHED: "reached along the prompts' direction", "direction": "cosine with it", KEPT: "content kept",
    "recognised": "still recognised", BALANCE: "balance of reached and kept",
}  # fmt: skip


class Finding(NamedTuple):
    """A sentence; `look` where it calls for caution."""

    text: str
    look: bool = False


def findings(results: Results, view: View) -> list[Finding]:
    """The answer first, then what speaks for and against it."""
    found = [*_first(results, view), *_lead(view), *_extremes(view), *_dominated(view), *_chosen_rate(view)]
    return [*found, *_collapsed(results), *_incomplete(results, view)]


def spread_text(found: Spread, key: str) -> str:
    """A mean and its interval, as in "0.55 [0.52, 0.58]"; with one seed there is no interval."""
    kind = kind_of(key)
    if found.mean is None:
        return "–"
    if found.low is None or found.high is None:
        return kind.text(found.mean)
    return f"{kind.text(found.mean)} [{kind.text(found.low)}, {kind.text(found.high)}]"


def brief_text(found: Spread, key: str) -> str:
    """A mean and how far its interval reaches, as in "0.55 ± 0.03", for tables."""
    kind = kind_of(key)
    if found.reach is None:
        return kind.text(found.mean)
    return f"{kind.text(found.mean)} ± {kind.text(found.reach)}"


def signed(found: Comparison, text: str) -> str:
    """The text of a difference with its plus."""
    mean = found.difference.mean
    return f"+{text}" if mean is not None and mean > 0 else text


def p_text(p: float | None) -> str:
    """A p-value with its sign of equality; never a star."""
    if p is None:
        return "no p"
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def _at(row: Row) -> str:
    return f"{row.policy} at lr {lr_text(row.lr)}"


def _first(results: Results, view: View) -> list[Finding]:
    ranked = [row for row in view.rows if view.is_ranked(row)]
    if not ranked:
        return [Finding("No policy has numbers for all prompt pairs yet, so that nothing can be ranked.", True)]
    best = ranked[0]
    judge = results.setup.get("judge")
    several = f" of {len(ranked)} policies" if len(ranked) > 1 else ", being the only policy"
    over = f"over {plural(len(view.pairs), 'prompt pair')} with {plural(len(results.seeds), 'seed')}"
    seen = [f"{name} {spread_text(best.spread(key), key)}" for key, name in _SAID.items() if best.spread(key).n]
    text = f"Its numbers{f' as {judge} sees them' if judge else ''}: {', '.join(seen)}."
    return [Finding(f"{_at(best)} ranks first{several} {over}."), Finding(text)]


def _lead(view: View) -> list[Finding]:
    """Whether the first is better than the baseline, or the baseline better than the second."""
    ranked = [row for row in view.rows if view.is_ranked(row)]
    if len(ranked) < 2:
        return []
    ahead = ranked[0].policy != view.baseline
    rival = ranked[0] if ahead else ranked[1]
    comparison = rival.comparisons.get(BALANCE)
    if comparison is None:
        return []
    n = comparison.difference.n
    who = f"{rival.policy} against {view.baseline}, the {'baseline' if ahead else 'first'}"
    difference = signed(comparison, spread_text(comparison.difference, BALANCE))
    text = f"{who}: balance {difference}, n = {plural(n, 'matched seed')}{_ahead(view, rival.policy)}"
    if comparison.p_t is None:
        return [Finding(f"{text}; {'too few for a test' if n < 2 else 'without any spread, so that there is no test'}.", True)]
    several = sum(row.comparisons[BALANCE].p_t is not None for row in view.rows if BALANCE in row.comparisons)
    text += f"; {p_text(comparison.p_holm)} by paired t, corrected for {plural(several, 'comparison')} (Holm)"
    if comparison.p_flip_holm is not None and least_flipped(n) < SURE:
        text += f", {p_text(comparison.p_flip_holm)} by exact sign flips"
    unsure = comparison.p_holm is None or comparison.p_holm >= SURE
    return [Finding(f"{text}{': the two cannot be told apart here' if unsure else ''}.", unsure)]


def _ahead(view: View, policy: str) -> str:
    """On how many of several pairs a policy is better than the baseline, which its mean does not tell."""
    ahead, pairs = view.ahead(policy, view.baseline, BALANCE)
    return f", ahead on {ahead} of {pairs} prompt pairs" if pairs > 1 else ""


def _extremes(view: View) -> list[Finding]:
    points = view.points(FRONTS[0])
    if len(points) < 2:
        return []
    most, keeps = max(points, key=lambda name: points[name].reached), max(points, key=lambda name: points[name].kept)
    told = {name: f"({REACHED} {points[name].reached:.3f}, {KEPT} {points[name].kept:.3f})" for name in (most, keeps)}
    if most == keeps:
        return [Finding(f"{most} both reaches most and keeps most {told[most]}.")]
    return [Finding(f"{most} reaches most {told[most]}; {keeps} keeps most {told[keeps]}.")]


def _dominated(view: View) -> list[Finding]:
    beaten = [row for row in view.rows if row.dominated.get(FRONTS[0])]
    front = view.front()
    if not front:
        return []
    text = f"On the front of {REACHED} against {KEPT}: {', '.join(front)}."
    if beaten:
        text += " Dominated, another policy having at least as much of both means: "
        text += ", ".join(f"{row.policy} (by {_some(row.surely or row.dominated[FRONTS[0]])})" for row in beaten) + "."
        sure = [row.policy for row in beaten if row.surely]
        text += f" Beyond the intervals of the matched differences: {', '.join(sure) if sure else 'none of them'} (95 % each, not corrected for their number)."
    return [Finding(text)]


def _some(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {plural(len(names) - 1, 'other')}"


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


def _collapsed(results: Results) -> list[Finding]:
    cells = [cell for cell in results.cells if "collapsed" in cell.measures]
    fallen = Counter(cell.place.policy for cell in cells if cell.value("collapsed"))
    if not cells:
        return []
    if not fallen:
        return [Finding(f"None of {plural(len(cells), 'cell')} collapsed.")]
    whole = Counter(cell.place.policy for cell in cells)
    named = ", ".join(f"{policy} ({count} of {whole[policy]})" for policy, count in fallen.most_common())
    return [Finding(f"{fallen.total()} of {plural(len(cells), 'cell')} collapsed: {named}.", True)]


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
