"""Options and metrics that come to nothing are refused or told before a picture is made; what nobody needs is not made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_fakes import Guide, load_fake, make_generator, small
from tiny_runs import make_dots

from nada.errors import NadaError, UsageError
from nada.evaluation import Evaluation, run_evaluation
from nada.evaluation.computing import METRICS
from nada.evaluation.sight import met
from nada.evaluation.tasks import Counts, sort_out
from nada.features import InceptionFeatures

JUDGE = load_fake("demo-judge")


def evaluate(*given: object, **changes: object) -> Evaluation:
    result = run_evaluation(small(*given, **changes), lambda line: None)
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num": 5}, "--num is for a generator"),
        ({"num": None, "truncation": 0.5}, "--truncation is for a generator"),
        ({"num": None, "classes": ("1",)}, "--class is for a generator"),
        ({"num": None, "against": "demo"}, "--against is for a generator"),
        ({"num": None, "include": "zzz*"}, "--include chooses among the files of a reference, and there is none"),
        ({"num": None, "prompt": "ink", "source": "photo"}, "--source says what the pictures of --against show"),
    ],
)
def test_no_option_is_ignored_for_pictures_in_files(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    """Fails where 24 files are scored after --num 5, or nothing is truncated after --truncation."""
    with pytest.raises(UsageError, match=message):
        evaluate(make_dots(tmp_path / "dots", 24), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": "ink", "source": "photo"}, "--source says what the pictures of --against show"),
        ({"include": "*"}, "there is none; name it with --reference"),
        ({"metrics": "diversity", "reference": "dots"}, "makes no use of --reference dots"),
        ({"metrics": "frechet", "reference": "dots", "against": "base"}, "makes no use of --against base"),
        ({"metrics": "clip-t", "prompt": "ink", "features": ("lpips-alex=x",)}, "makes no use of --features lpips-alex=x"),
        ({"metrics": "frechet", "reference": "dots", "prompt": "ink"}, "makes no use of --prompt 'ink'"),
    ],
)
def test_what_no_metric_needs_is_refused(base: Path, changes: dict[str, object], message: str) -> None:
    make_dots(Path("dots"), 4)
    with pytest.raises(UsageError, match=message):
        evaluate(base, **changes)
    assert not Guide.shown


def test_options_of_a_generator_hold_for_one_that_is_the_reference(base: Path, tmp_path: Path) -> None:
    """Fails where --num is refused though pictures are made, of the reference."""
    result = evaluate(make_dots(tmp_path / "dots", 12), reference=str(base), num=14, truncation=0.5)
    assert (result.protocol["reference"]["pictures"], result.protocol["reference"]["truncation"]) == (14, 0.5)


def test_a_path_may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Windows' shells and `--model=~/dots` leave it to the program."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    make_dots(tmp_path / "dots", 12)
    assert evaluate("~/dots", num=None, reference="~/dots").protocol["reference"]["pictures"] == 12


class Inception(InceptionFeatures):
    """The network by its facts, published or not."""

    def __init__(self, published: bool = True) -> None:
        self.name, self.tag, self.width, self.published = "inception", "inception", 2048, published


def lacking(name: str, eye: object, judged: int, reference: int) -> str:
    """Why a metric cannot be had, or nothing."""
    there = met(True, False, False, False, False, False)
    tasks, why = sort_out([name], [eye], JUDGE, there, Counts(judged, reference))
    assert bool(tasks) != bool(why.parts or why.pictures)
    return " ".join([*why.parts.values(), *why.pictures.values()])


@pytest.mark.parametrize(
    ("name", "eye", "least"),
    [
        ("infinity", JUDGE, 4 * JUDGE.width),
        ("precision", JUDGE, 12),
        ("density", JUDGE, 12),
        ("infinity", Inception(), 8192),
    ],
)
def test_a_metric_with_too_few_pictures_is_known_before_they_are_made(name: str, eye: object, least: int) -> None:
    assert not lacking(name, eye, least, least)
    for counts in ((least - 1, least), (least, least - 1)):
        assert f"it needs {least} pictures or more of both kinds, and there are {least - 1}" in lacking(name, eye, *counts)


def test_a_metric_of_features_that_were_not_asked_for_is_known_before_pictures_are_made() -> None:
    """Fails where `--metrics fid,cmmd --features inception` ends after 50000 pictures."""
    assert "add a guide's" in lacking("cmmd", Inception(), 9, 9) and "published network" in lacking("fid", JUDGE, 9, 9)
    assert "published network" in lacking("fid", Inception(published=False), 9, 9)
    assert "needs 20 pictures" in lacking("is", Inception(), 19, 90) and not lacking("is", Inception(), 20, 2)


def test_the_counts_that_are_refused_are_those_that_the_metrics_refuse(run: Path) -> None:
    """Fails where one is moved without the other."""
    found = evaluate(run, num=22, reference=str(run.parents[1] / "base"), metrics="neighbours,precision", against="base")
    assert not found.left_out and not found.missing
    with pytest.raises(UsageError, match="neighbours .* needs 22 pictures"):
        evaluate(run, num=21, metrics="neighbours")


def test_two_names_of_one_number_are_computed_once() -> None:
    eye, there = Inception(), met(True, False, False, False, False, False)
    tasks, _ = sort_out(["fid", "frechet", "kid", "kernel"], [eye], JUDGE, there, Counts(9, 9))
    assert [task.name for task in tasks] == ["fid", "kid"]


def test_one_number_that_fails_costs_no_other(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where an hour's good numbers are lost for one that could not be had."""

    def broken(*given: object) -> list[object]:
        raise NadaError("this set has no inverse.")

    monkeypatch.setitem(METRICS, "kernel", replace(METRICS["kernel"], compute=broken))
    result = evaluate(base, reference=str(base), metrics="frechet,kernel", json="out.json")
    assert [score.key for score in result.scores] == ["fd_demo_judge"] and result.missing == ("kernel (demo-judge)",)
    assert "Left out: kernel (demo-judge): this set has no inverse." in result.lines()
    assert json.loads(Path("out.json").read_text())["left_out"] == result.left_out
    assert not evaluate(base, reference=str(base), num=11).missing, "what nobody asked for by name is not missed"
    with pytest.raises(NadaError, match="not one number.*this set has no inverse"):
        evaluate(base, reference=str(base), metrics="kernel", json="none.json")
    assert not Path("none.json").exists()


def test_all_says_what_it_leaves_out_and_auto_what_somebody_may_wait_for(base: Path, tmp_path: Path) -> None:
    everything = evaluate(base, metrics="all")
    numbers = {score.key.removesuffix("_demo_judge") for score in everything.scores}
    assert numbers == {"diversity"} and set(everything.left_out) == set(METRICS) - numbers
    assert not evaluate(base).left_out
    assert set(evaluate(base, prompt="ink", against=str(base)).left_out) == {"directional"}, "its source is not told"
    distances = {"frechet", "kernel", "precision", "density"}
    assert set(evaluate(base, features=("demo",)).left_out) == distances, (
        "features are of distances, and there is no reference"
    )
    told = [line for line in everything.lines() if line.startswith("Left out")]
    assert len(told) == len(set(everything.left_out.values())) < len(everything.left_out)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"metrics": "frechet", "reference": "base"}, 26 + 26),
        ({"metrics": "frechet", "reference": "base", "features": ("other",)}, 26 + 26),
        ({"metrics": "clip-t", "features": ("other",)}, 26),
        ({"metrics": "content"}, 26 + 26),
        ({"metrics": "clip-t,frechet", "reference": "base", "features": ("other",)}, 3 * 26),
    ],
)
def test_only_those_pictures_are_made_and_seen_that_a_metric_needs(
    run: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], shown: int
) -> None:
    """Fails where the base of an adaptation is made for a distance, or the judge sees what others measure."""
    result = evaluate(run, record=False, **changes)
    assert Guide.shown == shown
    assert (result.protocol["against"] is None) == (changes["metrics"] != "content"), "it is loaded and hashed for nothing"


def test_a_training_whose_data_no_metric_needs_is_judged_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails where all files of a training are read and hashed for the diversity of its pictures."""
    folder = tmp_path / "00000-train-dots"
    make_generator(folder / "generator")
    record = {"command": "train", "options": {"data": str(make_dots(tmp_path / "dots", 4))}, "generator": {}}
    (folder / "config.json").write_text(json.dumps(record))
    opened: list[object] = []
    monkeypatch.setattr("nada.evaluation.subjects.Stored", lambda *given: opened.append(given))
    assert evaluate(folder, metrics="diversity").protocol["reference"] is None and not opened
