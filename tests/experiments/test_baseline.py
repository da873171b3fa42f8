"""The tables of `experiments/baseline`: what is averaged over what, and that a missing cell is not a number."""

from __future__ import annotations

from typing import Any

import baseline_table as table
import pytest
from baseline import METHODS, PROMPTS


def cell(method: str, target: str, seed: int, value: float) -> dict[str, Any]:
    return {
        "method": method, "target": target, "seed": seed, "settings": {"batch": 2},
        "result": {"steps": 300, "best_step": 300}, "processor_seconds": {"adapt": 4.0},
        "scores": {score: [value, value - 0.1, value + 0.1] for score in table.SCORES},
    }  # fmt: skip


def cells(method: str, rise: float) -> list[dict[str, Any]]:
    return [
        cell(method, target, seed, rise + seed + 10 * row) for seed in range(3) for row, (_, target) in enumerate(PROMPTS)
    ]


def test_intervals_are_over_seeds_and_not_over_prompts() -> None:
    """Seeds give 10, 11 and 12 over prompts that differ by ten: fails where nine cells are taken for nine draws."""
    assert [*table.seed_means(cells("ours", 0), "ours", "clip_t_demo_judge").values()] == pytest.approx([10, 11, 12])
    row = table.overall_table(cells("ours", 0))[2]
    assert row.startswith("| ours | 3 | 11.000 ± 2.484 |") and row.endswith("| 300 | 600 | 4 |")


def test_a_seed_that_lacks_a_prompt_is_left_out() -> None:
    """Else prompts that are easy would count for methods that have not come to the others."""
    part = [one for one in cells("ours", 0) if (one["seed"], one["target"]) != (2, PROMPTS[2][1])]
    assert set(table.seed_means(part, "ours", "clip_t_demo_judge")) == {0, 1}


def test_differences_are_taken_seed_by_seed() -> None:
    rows = table.difference_table([*cells("official", 0), *cells("ours", 0.5)])
    assert rows[2].startswith("| ours − official | +0.500 ± 0.000 |") and len(rows) == 3


def test_a_single_value_has_no_interval() -> None:
    assert table.shown([0.25]) == "0.250"


def with_protocol(seed: int, **changes: Any) -> dict[str, Any]:
    protocol = {
        "size": 256, "against": {"sha256": "a"}, "judge": {"sha256": "b"}, "model": {"name": f"run {seed}"},
        "environment": {"packages": {"torch": "2.13.0"}, "platform": f"machine {seed}"},
    }  # fmt: skip
    return {**cell("ours", "anime", seed, 0), "protocol": protocol | changes}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"size": 64}, "the size of the pictures"),
        ({"against": {"sha256": "b"}}, "the generator before"),
        ({"judge": {"sha256": "c"}}, "the judge"),
        ({"environment": {"packages": {"torch": "2.14.0"}}}, "the versions of packages"),
    ],
)
def test_cells_of_two_protocols_make_no_table(changes: dict[str, Any], what: str) -> None:
    """Fails where cells from before `demo` was replaced stand in one table with those from after it, under one protocol."""
    alike = [with_protocol(0), with_protocol(1)]
    assert table.summary(alike)["protocol"]["size"] == 256
    with pytest.raises(
        SystemExit, match=f"ours, anime, seed 0 and ours, anime, seed 2 differ in {what}; take all cells anew"
    ):
        table.summary([*alike, with_protocol(2, **changes)])


@pytest.mark.parametrize("method", [name for name, extra in METHODS.items() if extra], ids=str)
def test_the_options_of_the_methods_exist(method: str) -> None:
    from nada.cli.adapt import command

    command.make_context("adapt", list(METHODS[method] or ()))
