"""The words and the table at the end of the command: what they claim must be what the numbers say."""

from __future__ import annotations

from study_fakes import BIRD, LOGO, cell_of, made_up, setup_of

from nada.study.summary import summary_lines


def said(cells: list[dict], setup: dict) -> str:
    lines = summary_lines(cells, setup)
    assert all("\n" not in line for line in lines)
    return " ".join(" ".join(lines).split())


def test_a_whole_study() -> None:
    text = said(*made_up())
    assert "late:2 at lr 0.006 ranks first of 12 policies over 3 prompt pairs with 3 seeds." in text
    assert (
        "all reaches most" in text
        and "corrected for 11 comparisons (Holm)" in text
        and "n = 3 matched seeds, ahead on 0 of 3 prompt pairs" in text
    )
    assert "18 of 327 cells collapsed: blocks:4 (9 of 27), early:2 (9 of 27)." in text
    rows = [line for line in summary_lines(*made_up()) if line.strip()[:2].strip().isdigit()]
    assert [line.split()[1] for line in rows][0] == "late:2" and len(rows) == 12


def test_two_that_differ_by_chance_are_not_told_apart() -> None:
    cells = [cell_of("late:2", LOGO, 0.1, seed, content=0.8) for seed in range(3)]
    cells += [cell_of("all", LOGO, 0.1, seed, content=(0.9, 0.6, 0.87)[seed]) for seed in range(3)]
    assert "the two cannot be told apart here" in said(cells, setup_of(["late:2", "all"], [LOGO], [0.1], [0, 1, 2]))


def test_failed_and_missing_cells_are_said() -> None:
    cells, setup = made_up(["late:2", "all"], [BIRD])
    cells[-1] = cell_of("all", BIRD, 0.02, 2, error="no")
    text = said([cell for cell in cells if cell["cell"]["seed"] != 1], setup)
    assert "1 cell failed and is in no mean." in text and "6 cells of the grid are not there yet." in text
    assert "2/3" in text


def test_one_seed_has_no_intervals_and_says_so() -> None:
    cells, setup = made_up(["late:2", "all"], [BIRD], seeds=(0,))
    text = said(cells, setup)
    assert "±" not in text.replace("± reaches", "") and "With one seed there are no intervals" in text
    assert "too few for a test" in text


def test_the_second_is_named_where_the_baseline_is_neither() -> None:
    values = {"all": (0.9, 0.91, 0.92), "early:1": (0.8, 0.81, 0.82), "late:1": (0.8, 0.9, 0.6), "late:2": (0.3, 0.3, 0.3)}

    def text_of(*policies: str) -> str:
        made = [cell_of(p, LOGO, 0.1, seed, projection=v, content=v) for p in policies for seed, v in enumerate(values[p])]
        return said(made, setup_of(list(policies), [LOGO], [0.1], [0, 1, 2]))

    assert "all is ahead of early:1, the second, by 0.100 [0.100, 0.100] on matched seeds." in text_of(
        "all", "early:1", "late:2"
    )
    assert "all is ahead of late:1" in (text := text_of("all", "late:1", "late:2")) and "their order may be chance." in text
    assert "the second, by" not in text_of("all", "late:2")


def test_who_is_first_on_each_pair_is_said() -> None:
    """The best of the mean may be the best of no pair."""
    table = {("all", "anime"): 0.9, ("late:2", "anime"): 0.5, ("all", "minimal logo"): 0.4, ("late:2", "minimal logo"): 0.6}
    cells = [cell_of(p, pair, 0.1, 0, projection=table[p, pair["target"]], content=table[p, pair["target"]])
             for pair in (BIRD, LOGO) for p in ("all", "late:2")]  # fmt: skip
    setup = setup_of(["all", "late:2"], [BIRD, LOGO], [0.1], [0])
    text = said(cells, {**setup, "aliases": {"late:3": "all"}})
    assert "all (= late:3) at lr 0.1 ranks first" in text
    assert "photo → anime (bird): all (= late:3) at lr 0.1, 0.900; image → minimal logo: late:2 at lr 0.1, 0.600." in text


def test_grain_the_edges_of_the_rates_and_where_it_collapsed_are_said() -> None:
    """An encoder may like grain; a best rate that is the last one is no optimum."""
    cells = [cell_of("none", LOGO, None, None, colour_noise=0.5, content=1.0, projection=0.0)]
    for policy, best, grain in (("all", 0.1, 1.2), ("late:2", 0.3, 0.7), ("early:1", 0.2, 0.76)):
        for lr in (0.1, 0.2, 0.3):
            fallen = float(policy == "all" and lr == 0.3)
            cells.append(
                cell_of(policy, LOGO, lr, 0, projection=0.9 if lr == best else 0.2, colour_noise=grain, collapsed=fallen)
            )
    setup = {**setup_of(["all", "late:2", "early:1"], [LOGO], [0.1, 0.2, 0.3], [0]), "rates": ["x0.5", "auto", "0.3"]}
    text = said(cells, setup)
    assert "at the smallest (0.1 (x0.5)): all; at the largest (0.3): late:2." in text
    assert (
        "Colour noise more than 1.5 times that before (0.50), which balance does not count: all 1.20, early:1 0.76." in text
    )
    assert (
        "1 of 10 cells collapsed: all (1 of 3). By learning rate: 0 of 3 at 0.1 (x0.5), 0 of 3 at 0.2 (auto), 1 of 3 at 0.3."
        in text
    )


def test_nothing_yet_and_nothing_good() -> None:
    assert summary_lines([], {}) == ["There are no cells yet."]
    text = said([cell_of("all", BIRD, 0.1, 0, error="no")], setup_of(["all"], [BIRD], [0.1], [0]))
    assert "nothing can be ranked" in text and "0/1, 1 failed" in text


def test_only_the_source() -> None:
    assert summary_lines([cell_of("none", BIRD, None, None)], setup_of([], [BIRD], [], [])) == ["There are no cells yet."]
