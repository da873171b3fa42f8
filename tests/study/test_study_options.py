"""What a person may ask for, and what is said before the first cell if it makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from study_makers import quiet, tiny_study

from nada.adaptation import default_learning_rate
from nada.checkpoints import load_generator
from nada.config.study import StudyConfig
from nada.errors import NadaError, UsageError
from nada.study import run_study
from nada.study.plan import NUM, QUICK_POLICIES, adapt_config, make_study

pytestmark = pytest.mark.usefixtures("made_up")


def test_learning_rates_are_multiples_of_the_rule_of_nada_adapt(tmp_path: Path) -> None:
    config = tiny_study(tmp_path, lr=("x0.5,auto", "0.002", "x1", " x2 "))
    rule = default_learning_rate(load_generator(config.generator).config)
    rates = make_study(config, None).known.grid.rates
    assert [(rate.name, rate.lr) for rate in rates] == [
        ("x0.5", rule / 2),
        ("auto", rule),
        ("0.002", 0.002),
        ("x2", 2 * rule),
    ]


def test_what_is_not_given_is_a_whole_study(tmp_path: Path) -> None:
    config = tiny_study(tmp_path, layers=(), lr=(), seeds=None, steps=None, num=None, threads=None)
    known = make_study(config, None).known
    assert len(known.grid.policies) == 11 and [rate.name for rate in known.grid.rates] == ["x0.25", "auto", "x4"]
    assert (known.grid.seeds, known.grid.steps, known.setup.num) == ((0, 1, 2), 200, NUM)
    assert known.setup.threads == torch.get_num_threads() and known.setup.judge == "demo-judge"


def test_a_quick_study_needs_no_prompts_and_keeps_what_is_given(tmp_path: Path) -> None:
    nothing: dict[str, Any] = {"source": None, "target": None, "layers": (), "lr": (), "seeds": None, "num": None}
    known = make_study(tiny_study(tmp_path, **nothing, quick=True, steps=5), None).known
    assert known.grid.policies == QUICK_POLICIES and (known.grid.steps, known.setup.num) == (5, 64)
    assert len(known.grid.cells()) == 1 + 4 * 2


def test_jobs_share_the_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    shares = [make_study(tiny_study(tmp_path, threads=None, jobs=jobs), None).known.setup.threads for jobs in (1, 3, 20)]
    assert shares == [8, 2, 1]


def test_a_study_that_goes_on_keeps_the_threads_and_the_precision_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another number of threads, or type, adds up in another order: cells would differ in their last digits, or more."""
    first = make_study(tiny_study(tmp_path, threads=3, precision="bf16"), None)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    again = make_study(tiny_study(tmp_path, threads=None, precision="auto"), first.known)
    assert again.known.setup == first.known.setup


def test_the_judge_has_no_part_in_the_adaptation(tmp_path: Path) -> None:
    plan = make_study(tiny_study(tmp_path), None)
    config = adapt_config(plan.known.grid.cells()[1], plan.known.setup, "cpu", tmp_path)
    assert (config.judge, config.stop) == ("none", False)


def test_a_judge_that_guides_is_told_of(tmp_path: Path) -> None:
    """Its checksum says so, whatever it is called."""
    said: list[str] = []
    for judge in ("demo-judge", "guide/x", "guide"):
        said.clear()
        run_study(tiny_study(tmp_path, judge=f"clip:{judge}", dry_run=True), said.append)
        assert any("The judge is a guide" in line for line in said) == (judge == "guide"), said


def test_classes_by_number_and_by_name_are_the_same_cells(tmp_path: Path) -> None:
    pairs = make_study(tiny_study(tmp_path, classes=("1", "class1", "class0")), None).known.grid.pairs
    assert [pair.classes for pair in pairs] == [("class1",), ("class0",)]


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"source": None, "target": None}, "Say where to go"),
        ({"target": None}, "belong together"),
        ({"target": "photo"}, "no direction"),
        ({"pairs": "absent.txt"}, "cannot read absent.txt"),
        ({"layers": ("late:9",)}, "asks for 9 blocks"),
        ({"layers": ("",)}, "Cannot read the layer policy"),
        ({"lr": ("fast",)}, "'fast' is no learning rate"),
        ({"lr": ("x-1",)}, "'x-1' is no learning rate"),
        ({"lr": ("0.1,,0.2",)}, "'' is no learning rate"),
        ({"seeds": "one"}, "--seeds"),
        ({"seeds": "0-5000"}, "5001 seeds"),
        ({"classes": ("zebra",)}, "no such class"),
        ({"generator": "absent"}, "absent"),
        ({"jobs": 0}, "--jobs"),
        ({"threads": 0}, "--threads"),
        ({"steps": 0}, "steps"),
        ({"num": 1}, "--num"),
        ({"batch": -1}, "batch"),
        ({"shard": "2/2"}, "count from 0"),
        ({"style_reference": "absent"}, "absent"),
        ({"device": "cuda:99"}, "cuda:99"),
        ({"judge": "inception"}, "reads no words"),
    ],
    ids=str,
)
def test_nonsense_is_refused_before_anything_is_written(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(NadaError, match=said):
        run_study(tiny_study(tmp_path, **wrong), quiet)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', '{"format": 99}'])
def test_a_damaged_setup_is_one_sentence(tmp_path: Path, text: str) -> None:
    config = tiny_study(tmp_path)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "setup.json").write_text(text)
    with pytest.raises(NadaError, match="setup.json"):
        run_study(config, quiet)


def test_a_study_is_of_options_that_read_back() -> None:
    with pytest.raises(UsageError, match="threads"):
        from nada.config import from_json

        from_json(StudyConfig, {"threads": "many"})
