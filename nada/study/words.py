"""What a study says, in sentences with their numbers; nothing is claimed that has no number beside it."""

from __future__ import annotations

from nada.data.wording import plural
from nada.study.doubts import Finding, doubts
from nada.study.kinds import BALANCE, KEPT, REACHED, kind_of
from nada.study.pareto import FRONTS
from nada.study.ranking import Row, View
from nada.study.results import Results, lr_text
from nada.study.statistics import Comparison, Spread, least_flipped, spread

SURE = 0.05
_SAID = {
    REACHED: "reached along the prompts' direction", "direction": "cosine with it", KEPT: "content kept",
    "recognised": "still recognised", BALANCE: "balance of reached and kept",
}  # fmt: skip


def findings(results: Results, view: View) -> list[Finding]:
    """The answer first, then what speaks for and against it."""
    found = [
        *_first(results, view),
        *_lead(view),
        *_next(view),
        *_by_pair(results, view),
        *_extremes(view),
        *_dominated(view),
    ]
    return [*found, *doubts(results, view)]


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


def _at(row: Row, results: Results) -> str:
    """A policy with its other names, which may say more, and its learning rate."""
    same = f" (= {', '.join(results.aliases(row.policy))})" if results.aliases(row.policy) else ""
    return f"{row.policy}{same} at lr {lr_text(row.lr)}"


def _first(results: Results, view: View) -> list[Finding]:
    ranked = [row for row in view.rows if view.is_ranked(row)]
    if not ranked:
        return [Finding("No policy has numbers for all prompt pairs yet, so that nothing can be ranked.", True)]
    best = ranked[0]
    judge = results.setup.get("judge")
    several = f" of {len(ranked)} policies" if len(ranked) > 1 else ", being the only policy"
    over = f"over {plural(len(view.pairs), 'prompt pair')} with {plural(len(results.seeds), 'seed')}"
    seen = [
        f"{name} {spread_text(best.spread(key), key)}{_before(view, key)}"
        for key, name in _SAID.items()
        if best.spread(key).n
    ]
    text = f"Its numbers{f' as {judge} sees them' if judge else ''}: {', '.join(seen)}."
    return [Finding(f"{_at(best, results)} ranks first{several} {over}."), Finding(text)]


def _before(view: View, key: str) -> str:
    """What the generator had before, where that is not 0 or 1 by definition."""
    mean = view.source.spread(key).mean
    return "" if mean is None or key != "recognised" else f" (before: {kind_of(key).text(mean)})"


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
        return [
            Finding(f"{text}; {'too few for a test' if n < 2 else 'without any spread, so that there is no test'}.", True)
        ]
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


def _next(view: View) -> list[Finding]:
    """How far the first is ahead of the second, where neither is the baseline, of which has been told."""
    ranked = [row.policy for row in view.rows if view.is_ranked(row)][:2]
    if len(ranked) < 2 or view.baseline in ranked:
        return []
    ahead = spread(view.differences(*ranked, BALANCE))
    if ahead.mean is None:
        return []
    sure = ahead.low is not None and ahead.low > 0
    text = f"{ranked[0]} is ahead of {ranked[1]}, the second, by {spread_text(ahead, BALANCE)} on matched seeds"
    return [Finding(f"{text}{'' if sure else ': their order may be chance'}.", not sure)]


def _by_pair(results: Results, view: View) -> list[Finding]:
    """Who is first on each pair, at the best learning rate for it, since the mean may be of none of them."""
    if len(view.pairs) < 2:
        return []
    told = []
    for pair in view.pairs:
        own = View(results, pair, view.lr, view.baseline)
        first = next((row for row in own.rows if own.is_ranked(row)), None)
        if first is not None:
            told.append(f"{pair.title}: {_at(first, results)}, {kind_of(BALANCE).text(first.spread(BALANCE).mean)}")
    return [Finding(f"First on each pair by itself, by balance: {'; '.join(told)}.")] if len(told) > 1 else []


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
        text += f" Beyond the intervals of the matched differences: {', '.join(sure) if sure else 'none of them'}"
        text += " (95 % each, not corrected for their number)."
    return [Finding(text)]


def _some(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {plural(len(names) - 1, 'other')}"
