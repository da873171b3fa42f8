"""The grid: which policies are the same, which pairs a file holds, and that every cell has one place and one name."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fakes import tiny_generator

from nada.errors import NadaError, UsageError
from nada.study.cell import Cell
from nada.study.grid import Grid, Rate
from nada.study.pairs import crossed, named, read_pairs
from nada.study.policies import default_policies, distinct
from nada.study.results import Pair
from nada.study.shards import take_shard

GRID = Grid(
    ("none", "late:1", "all"), (Pair("a", "b", ("c",)), Pair("a", "d")), (Rate(0.1, "auto"), Rate(0.2, "x2")), (0, 5), 7
)


def test_the_default_policies_are_all_ways_to_choose_blocks() -> None:
    generator = tiny_generator(16)
    assert default_policies(generator) == (
        "none", "blocks:4", "blocks:8", "blocks:16", "early:1", "early:2", "late:1", "late:2", "all",
        "auto:4", "auto-official:4", "affine@all", "style-offset@all",
    )  # fmt: skip
    kept, aliases = distinct(generator, default_policies(generator))
    assert aliases == {"early:1": "blocks:4", "late:1": "blocks:16"} and len(kept) == 11


@pytest.mark.parametrize(
    "one, other",
    [
        ("late:3", "all"),
        ("blocks:8-16", "late:2"),
        ("conv+affine+bias@late:1", "late:1"),
        ("affine@early:1,affine@late:2", "affine@all"),
    ],
)
def test_policies_are_the_same_by_what_they_select(one: str, other: str) -> None:
    assert distinct(tiny_generator(16), [one, other]).aliases == {other: one}


def test_adaptive_policies_are_not_taken_for_one_another() -> None:
    """They may move the same parameters, but not in the same steps."""
    policies = ["auto:4", "auto:3", "auto-official:4"]
    assert distinct(tiny_generator(16), policies).kept == ("none", *policies)


def test_a_policy_that_selects_nothing_is_refused_at_once() -> None:
    with pytest.raises(UsageError, match="blocks are b4, b8, b16"):
        distinct(tiny_generator(16), ["late:1", "blocks:64"])


def test_the_grid_has_every_cell_once_and_one_without_adaptation_per_pair() -> None:
    cells = GRID.cells()
    assert len(cells) == 2 * (1 + 2 * 2 * 2) == len({cell.key for cell in cells})
    assert [cell.policy for cell in cells[:6]] == ["none", *["late:1"] * 4, "all"]
    assert cells[0] == Cell("none", "a", "b", ("c",), None, None, None, 0)
    assert Grid.from_dict(GRID.to_dict()) == GRID and Cell.from_dict(cells[3].to_dict()) == cells[3]


def test_a_grid_that_grows_keeps_its_order_and_the_names_of_its_rates() -> None:
    other = dataclasses.replace(
        GRID, policies=("none", "early:1", "late:1"), rates=(Rate(0.2, "0.2"), Rate(0.3, "x3")), seeds=(9, 0)
    )
    both = GRID.joined(other)
    assert both.policies == ("none", "late:1", "all", "early:1") and both.seeds == (0, 5, 9)
    assert both.rates == (Rate(0.1, "auto"), Rate(0.2, "x2"), Rate(0.3, "x3"))


def test_the_name_of_a_folder_tells_what_is_in_it_and_bears_any_prompt() -> None:
    cell = Cell(
        "affine@late:2", "photo", "Ünïcode / ../../etc: a very long prompt " * 5, ("bird",), 0.0085333, "auto", 3, 200
    )
    assert cell.key.startswith("affine-late-2_photo-to-unicode-etc-a-very-long-prompt") and "_lr0.00853_seed3_" in cell.key
    assert len(cell.key) < 160 and "/" not in cell.key
    assert dataclasses.replace(cell, rate="x1").key == cell.key, "one learning rate with two names is one cell"
    assert dataclasses.replace(cell, lr=0.00853).key != cell.key


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pairs.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_pairs_are_read_with_comments_blanks_and_classes(tmp_path: Path) -> None:
    text = "\ufeff# mine\n\n  photo ->  anime style @ bird \nimage->less -> minimal logo\na @b -> c\n"
    assert read_pairs(write(tmp_path, text)) == [
        Pair("photo", "anime style", ("bird",)), Pair("image->less", "minimal logo"), Pair("a @b", "c"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text, said",
    [
        ("photo -> sketch\nphoto sketch\n", "line 2: 'photo sketch' is no pair"),
        ("photo -> a -> b", "line 1.*no pair"),
        ("photo -> a @ b @ c", "line 1.*no pair"),
        ("photo -> a @ ", "line 1.*no pair"),
        ("photo -> ", "line 1"),
        ("x -> y\n\nphoto -> Photo", "line 3.*no direction"),
        ("a -> b\nc -> d\na -> b", "line 3: the same pair stands in line 1"),
        ("# nothing\n", "no pairs"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_pairs(write(tmp_path, text))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UsageError, match="no text"):
        read_pairs(tmp_path / "picture")
    with pytest.raises(NadaError, match="cannot read.*No such file"):
        read_pairs(tmp_path / "absent")


def test_classes_are_axes_of_pairs_without_one() -> None:
    pairs = [Pair("a", "b", ("0",)), Pair("a", "c")]
    made = crossed(pairs, ["class1", "0"])
    assert made == [Pair("a", "b", ("0",)), Pair("a", "c", ("class1",)), Pair("a", "c", ("0",))]
    network = tiny_generator(8, classes=2).config
    assert [named(pair, network).classes for pair in made] == [("class0",), ("class1",), ("class0",)]
    assert crossed(pairs, []) == pairs
    with pytest.raises(UsageError, match="no such class"):
        named(Pair("a", "b", ("zebra",)), network)


def test_shards_are_disjoint_and_together_everything() -> None:
    parts = [take_shard(range(10), f"{number}/4") for number in range(4)]
    assert sorted(sum(parts, [])) == list(range(10)) and max(map(len, parts)) - min(map(len, parts)) <= 1
    assert take_shard("ab", None) == ["a", "b"]


@pytest.mark.parametrize("shard", ["4/4", "1", "a/b", "0/0", "-1/4", "1/4/2", ""])
def test_a_shard_that_does_not_exist_is_refused(shard: str) -> None:
    with pytest.raises(UsageError, match="--shard"):
        take_shard([], shard)
