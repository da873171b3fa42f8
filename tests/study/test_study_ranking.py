"""Who stands where, at which learning rate, and against whom: on studies small enough to be worked out by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from study_fakes import BIRD, CAR, LOGO, cell_of, made_up, setup_of

from nada.study.pareto import Point, dominates, dominators, front
from nada.study.ranking import View, views_of
from nada.study.results import Results, balance, pair_of


def cells_of(table: dict[tuple[str, float, int], float], pairs: Sequence = (LOGO,), **more: float) -> list[dict]:
    """Cells whose projection and content are both the number given, which then is the balance, too."""
    return [
        cell_of(policy, pair, lr, seed, projection=value, content=value, **more)
        for pair in pairs
        for (policy, lr, seed), value in table.items()
    ]


def view_of(cells: list[dict], policies: list[str], lrs: list[float], seeds: list[int], pairs: Sequence = (LOGO,)) -> View:
    return View(Results(cells, setup_of(policies, list(pairs), lrs, seeds)), None, None)


def test_balance_by_hand() -> None:
    assert balance({"projection": 0.4, "content": 0.6, "direction": 0.9, "recognised": 0.1}) == pytest.approx(0.48)
    assert (
        balance({"projection": -0.4, "content": 0.6})
        == 0.0
        == balance({"projection": 0.9, "content": 0.9, "collapsed": 1.0})
    )
    assert balance({"content": 0.6}) is None


def test_the_best_rate_and_what_the_other_seeds_would_have_chosen() -> None:
    """Rate 2 wins by one lucky seed; left out, that seed is judged at rate 1, and the others at rate 2."""
    table = {("all", 1.0, 0): 0.5, ("all", 1.0, 1): 0.5, ("all", 1.0, 2): 0.5,
             ("all", 2.0, 0): 0.4, ("all", 2.0, 1): 0.4, ("all", 2.0, 2): 0.8}  # fmt: skip
    row = view_of(cells_of(table), ["all"], [1.0, 2.0], [0, 1, 2]).row("all")
    assert row.lr == 2.0 and row.spread("balance").mean == pytest.approx(1.6 / 3)
    assert row.held_out.mean == pytest.approx((0.4 + 0.4 + 0.5) / 3)


def test_a_rate_with_failures_is_not_the_best_while_there_is_a_whole_one() -> None:
    """A rate at which the others diverge would otherwise win by those that survived."""
    cells = cells_of({("all", 1.0, 0): 0.4, ("all", 1.0, 1): 0.4, ("all", 2.0, 0): 0.9})
    cells.append(cell_of("all", LOGO, 2.0, 1, error="The loss is not finite."))
    view = view_of(cells, ["all"], [1.0, 2.0], [0, 1])
    assert view.row("all").lr == 1.0
    fixed = View(view.results, None, 2.0).row("all")
    assert (fixed.good, fixed.failed, fixed.expected) == (1, 1, 2)


def test_over_pairs_a_seed_counts_once_with_its_mean() -> None:
    """Nine cells of three seeds are three numbers, not nine: else pairs that differ would pass for luck of seeds."""
    cells = [
        cell_of("all", pair, 1.0, seed, content=base + 0.01 * seed)
        for base, pair in ((0.2, BIRD), (0.8, CAR))
        for seed in (0, 1, 2)
    ]
    found = view_of(cells, ["all"], [1.0], [0, 1, 2], [BIRD, CAR]).row("all").spread("content")
    assert found.n == 3 and found.mean == pytest.approx(0.51) and found.std == pytest.approx(0.01)


def test_a_seed_that_lacks_a_pair_is_in_no_mean_over_pairs() -> None:
    """Its mean would be that of other pairs: here 0.2 or 0.8 instead of 0.5."""
    places = [(BIRD, 0, 0.2), (BIRD, 1, 0.2), (BIRD, 2, 0.2), (CAR, 0, 0.8), (CAR, 1, 0.8)]
    cells = [cell_of("all", pair, 1.0, seed, content=value) for pair, seed, value in places]
    found = view_of(cells, ["all"], [1.0], [0, 1, 2], [BIRD, CAR]).row("all").spread("content")
    assert found.n == 2 and found.mean == pytest.approx(0.5) and found.std == 0.0


def test_differences_are_matched_by_pair_and_seed() -> None:
    """Seeds move all policies alike by far more than the policies differ; unmatched, nothing would be seen."""
    luck = {0: 0.1, 1: 0.5, 2: 0.3}
    gain = {0: 0.010, 1: 0.012, 2: 0.011}
    cells = [cell_of("late:2", BIRD, 1.0, seed, content=value) for seed, value in luck.items()]
    cells += [cell_of("all", BIRD, 1.0, seed, content=value + gain[seed]) for seed, value in luck.items()]
    cells.append(cell_of("all", BIRD, 1.0, 3, content=0.9))  # which the baseline has no match for
    found = view_of(cells, ["late:2", "all"], [1.0], [0, 1, 2, 3], [BIRD]).row("all").comparisons["content"]
    assert found.difference.n == 3 and found.difference.mean == pytest.approx(0.011)
    assert found.p_t < 0.01 and found.p_flip == 0.25 and found.p_holm == found.p_t


def test_the_pairs_of_a_seed_are_one_difference_and_not_several() -> None:
    """Policies differ by pair: taken for nine draws, the pairs' own differences would widen the interval, or narrow it."""
    gain = {"anime": 0.3, "pencil sketch": 0.1, "minimal logo": -0.1}
    cells = [cell_of("late:2", pair, 1.0, seed, content=0.5) for pair in (BIRD, CAR, LOGO) for seed in range(3)]
    cells += [
        cell_of("all", pair, 1.0, seed, content=0.5 + gain[pair["target"]] + 0.01 * seed)
        for pair in (BIRD, CAR, LOGO)
        for seed in range(3)
    ]
    view = view_of(cells, ["late:2", "all"], [1.0], [0, 1, 2], [BIRD, CAR, LOGO])
    found = view.row("all").comparisons["content"].difference
    assert found.n == 3 and found.mean == pytest.approx(0.11) and found.std == pytest.approx(0.01)
    assert view.ahead("all", "late:2", "content") == (2, 3) and view.ahead("late:2", "all", "content") == (1, 3)


def test_a_seed_that_lacks_a_pair_is_in_no_held_out_mean_either() -> None:
    cells = [cell_of("all", BIRD, lr, seed, projection=0.2, content=0.2) for lr in (1.0, 2.0) for seed in (0, 1, 2)]
    cells += [cell_of("all", CAR, lr, seed, projection=0.8, content=0.8) for lr in (1.0, 2.0) for seed in (0, 1)]
    found = view_of(cells, ["all"], [1.0, 2.0], [0, 1, 2], [BIRD, CAR]).row("all").held_out
    assert found.n == 2 and found.mean == pytest.approx(0.5)


def test_a_policy_without_one_pair_is_shown_last_and_not_ranked() -> None:
    cells, setup = made_up(["late:2", "all"], [BIRD, CAR], seeds=(0, 1))
    cells = [c for c in cells if not (c["cell"]["policy"] == "late:2" and c["cell"]["target"] == "anime")]
    view = View(Results(cells, setup), None, None)
    assert [row.policy for row in view.rows] == ["all", "late:2"] and not view.is_ranked(view.row("late:2"))
    assert view.row("late:2").covered == 1 and view.front() == ["all"], "it must neither dominate nor be dominated"
    assert len(view.results.missing) == 6
    assert View(view.results, pair_of(CAR), None).is_ranked(View(view.results, pair_of(CAR), None).row("late:2"))


def test_a_policy_that_only_fails_counts_all_its_failures() -> None:
    cells = cells_of({("all", 1.0, 0): 0.4}) + [cell_of("early:1", LOGO, lr, 0, error="no") for lr in (1.0, 2.0)]
    view = view_of(cells, ["all", "early:1"], [1.0, 2.0], [0])
    row = view.row("early:1")
    assert (row.lr, row.good, row.failed, row.expected) == (None, 0, 2, 2) and not view.is_ranked(row)


def test_the_front_is_what_nobody_beats_on_both_sides() -> None:
    rng = random.Random(1)
    points = {f"p{n}": Point(rng.randrange(6) / 5, rng.randrange(6) / 5) for n in range(40)}
    expected = {
        name for name, (x, y) in points.items()
        if not any(a >= x and b >= y and (a > x or b > y) for a, b in points.values())
    }  # fmt: skip
    assert set(front(points)) == expected
    assert all(dominates(points[rival], points[name]) for name, rivals in dominators(points).items() for rival in rivals)
    assert [points[name].reached for name in front(points)] == sorted(points[name].reached for name in front(points))


def test_a_policy_that_collapsed_is_neither_on_the_front_nor_dominates() -> None:
    """At a rate too high it may lie farthest along the words, with nothing to be seen in its pictures."""
    cells = [cell_of("all", BIRD, 1.0, seed, projection=0.9, content=0.8, collapsed=float(seed > 0)) for seed in range(3)]
    cells += [
        cell_of("late:2", BIRD, 1.0, seed, projection=0.3, content=0.7, collapsed=float(seed > 1)) for seed in range(3)
    ]
    view = view_of(cells, ["all", "late:2"], [1.0], [0, 1, 2], [BIRD])
    assert view.front() == ["late:2"] and view.row("late:2").dominated.get(("projection", "content")) == ()


def test_policies_that_have_no_numbers_yet_stand_last() -> None:
    cells = [cell_of("all", BIRD, 1.0, 0), cell_of("late:2", BIRD, 1.0, 0, projection=0.1)]
    view = view_of(cells, ["early:1", "late:2", "all"], [1.0], [0], [BIRD, CAR])
    assert [row.policy for row in view.rows] == ["all", "late:2", "early:1"]


def test_dominated_for_sure_asks_for_both_intervals() -> None:
    """`all` beats `early:1` by far on both sides, `late:2` only by luck on one."""
    cells = []
    for seed in range(3):
        cells.append(cell_of("all", BIRD, 1.0, seed, projection=0.6 + 0.01 * seed, content=0.80 + 0.001 * seed))
        cells.append(cell_of("early:1", BIRD, 1.0, seed, projection=0.3 + 0.012 * seed, content=0.50 + 0.002 * seed))
        cells.append(cell_of("late:2", BIRD, 1.0, seed, projection=0.4, content=0.80 + (0.2, -0.3, 0.05)[seed]))
    view = view_of(cells, ["all", "early:1", "late:2"], [1.0], [0, 1, 2], [BIRD])
    axes = ("projection", "content")
    assert view.row("early:1").dominated[axes] and view.row("early:1").surely == ("all",)
    assert view.row("late:2").dominated[axes] == ("all",) and view.row("late:2").surely == ()


def test_the_baseline_is_late_2_or_its_other_name_or_the_best() -> None:
    cells = cells_of({("all", 1.0, 0): 0.4, ("b", 1.0, 0): 0.6})
    setup = setup_of(["all", "b"], [LOGO], [1.0], [0])
    assert View(Results(cells, setup), None, None).baseline == "b"
    assert View(Results(cells, {**setup, "aliases": {"late:2": "all"}}), None, None).baseline == "all"
    assert all(view.baseline == "b" for view in views_of(Results(cells, setup)))


def test_without_names_of_classes_nothing_is_recognised() -> None:
    """NaN is null in a file; it must not become 0, as if the judge had seen no class in any picture."""
    cells = [cell_of("all", LOGO, 1.0, 0, projection=0.5, content=0.5, recognised=None)]
    row = view_of(cells, ["all"], [1.0], [0]).row("all")
    assert row.spread("recognised").n == 0 and row.spread("balance").mean == pytest.approx(0.5)
