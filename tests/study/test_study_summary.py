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
    assert "all reaches most" in text and "corrected for 11 comparisons (Holm)" in text and "n = 3 matched seeds, ahead on 0 of 3 prompt pairs" in text
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


def test_nothing_yet_and_nothing_good() -> None:
    assert summary_lines([], {}) == ["There are no cells yet."]
    text = said([cell_of("all", BIRD, 0.1, 0, error="no")], setup_of(["all"], [BIRD], [0.1], [0]))
    assert "nothing can be ranked" in text and "0/1, 1 failed" in text


def test_only_the_source() -> None:
    assert summary_lines([cell_of("none", BIRD, None, None)], setup_of([], [BIRD], [], [])) == ["There are no cells yet."]
