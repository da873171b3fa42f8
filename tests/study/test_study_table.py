"""The tables: bytes that depend on the cells alone, and everything in them that was made of these."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
from study_fakes import BIRD, LOGO, cell_of, made_up, setup_of

from nada.study.results import Results
from nada.study.table import as_csv, write_tables

SMALL = """\
source_prompt,target_prompt,classes,policy,lr,seed,steps,status,error,balance,projection,direction,target,content,recognised,diversity,diversity_kept,colour_noise,one_colour,collapsed,distance,parameters,seconds,seconds_adapt,seconds_measure
image,minimal logo,,none,,,0,ok,,0,0,0.5,0.2,1,,0.3,0.9,0.01,0,0,,1000,11,9.5,1.5
image,minimal logo,,all,0.002,0,60,ok,,0.509090909090909,0.4,0.5,0.2,0.7,,0.3,0.9,0.01,0,0,,1000,11,9.5,1.5
image,minimal logo,,all,0.002,1,60,failed,"The loss, at step 3, is not finite.",,,,,,,,,,,,,,,9.5,1.5
"""


def small() -> tuple[list[dict], dict]:
    cells = [
        cell_of("none", LOGO, None, None, projection=0.0, content=1.0),
        cell_of("all", LOGO, 0.002, 0, projection=0.4, content=0.7),
        cell_of("all", LOGO, 0.002, 1, error="The loss, at step 3, is not finite."),
    ]
    return cells, setup_of(["all"], [LOGO], [0.002], [0, 1])


def test_the_bytes_of_a_small_study(tmp_path: Path) -> None:
    """A column that moves breaks whoever reads the table; a number cut short is not the number that was measured."""
    table, _ = write_tables(tmp_path, *small())
    assert table.read_bytes().decode() == SMALL


def test_the_order_of_finishing_moves_nothing(tmp_path: Path) -> None:
    cells, setup = made_up(["all", "late:2", "affine@all"], seeds=(0, 1))
    expected = [path.read_bytes() for path in write_tables(tmp_path / "a", cells, setup)]
    random.Random(3).shuffle(cells)
    assert [path.read_bytes() for path in write_tables(tmp_path / "b", cells, setup)] == expected


def test_a_text_with_everything_in_it_comes_back(tmp_path: Path) -> None:
    nasty = {"source": 'a "photo", grey', "target": "line\nbreak; =1+1 \u2028 \U0001f600", "classes": ["bird"]}
    cells = [cell_of("all", nasty, 0.002, 0)]
    table, _ = write_tables(tmp_path, cells, setup_of(["all"], [nasty], [0.002], [0]))
    with open(table, newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["source_prompt"], row["target_prompt"], row["classes"]) == (nasty["source"], nasty["target"], "bird")


def test_times_stand_last_and_numbers_nobody_knows_before_them() -> None:
    cell = cell_of("all", LOGO, 0.002, 0, sharpness=0.25)
    cell["seconds"]["waiting"] = 3.0
    head, row = list(csv.reader(as_csv(Results([cell], setup_of(["all"], [LOGO], [0.002], [0]))).splitlines()))
    first = next(index for index, name in enumerate(head) if name.startswith("seconds"))
    assert all(name.startswith("seconds") for name in head[first:]) and head[first - 1] == "sharpness"
    assert dict(zip(head, row))["sharpness"] == "0.25" and dict(zip(head, row))["seconds_waiting"] == "3"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict:
    cells, setup = made_up(["all", "late:2", "early:2"], seeds=(0, 1))
    _, path = write_tables(tmp_path_factory.mktemp("json"), cells[:-1], setup)
    return json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_the_document_has_every_view(document: dict) -> None:
    """Over all pairs and each, at each policy's best rate and at each rate."""
    views = [(view["pair"] and view["pair"]["target"], view["lr"]) for view in document["views"]]
    rates = ["best", 0.002, 0.006, 0.02]
    assert sorted(views, key=str) == sorted(
        [(t, lr) for t in (None, "anime", "pencil sketch", "minimal logo") for lr in rates], key=str
    )
    assert document["counts"] == {"cells": 56, "failed": 0, "missing": 1} and len(document["missing"]) == 1
    assert "best learning rate" in document["criterion"]


def test_the_document_has_means_tests_and_fronts(document: dict) -> None:
    best = document["views"][0]
    rows = {row["policy"]: row for row in best["policies"]}
    assert set(rows) == {"none", "all", "late:2", "early:2"} and best["baseline"] == "late:2"
    assert {"n", "mean", "low", "high", "std"} == set(rows["all"]["means"]["direction"])
    test = rows["all"]["against_baseline"]["direction"]
    assert test["difference"]["n"] == 2 and {"p_t", "p_flip", "p_holm", "p_flip_holm"} < set(test)
    front = best["fronts"][0]
    assert (front["reached"], front["kept"]) == ("projection", "content") and front["policies"] == ["late:2", "all"]
    assert rows["early:2"]["dominated_by"][0]["policies"] and rows["late:2"]["dominated_by"] == []
    assert rows["late:2"]["against_baseline"] == {}, "the baseline is not compared with itself"


def test_no_two_columns_have_one_name() -> None:
    """The prompts and a measure are both called target elsewhere; read by name, one would hide the other."""
    (head,) = csv.reader(as_csv(Results(*made_up(["all"]))).splitlines()[:1])
    assert len(set(head)) == len(head)


def test_null_is_no_number() -> None:
    cell = cell_of("all", BIRD, 0.002, 0)
    cell["measures"]["recognised"] = None
    head, row = list(csv.reader(as_csv(Results([cell], setup_of(["all"], [BIRD], [0.002], [0]))).splitlines()))
    assert dict(zip(head, row))["recognised"] == ""
