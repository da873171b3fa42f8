"""The whole of a small study: what it leaves, that it goes on, that nothing hides and nothing is done twice."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import load_fake
from study_makers import make_tiny, patch, quiet, records, timeless, tiny_study

from nada.checkpoints import load_generator
from nada.config.evaluate import EvaluateConfig
from nada.config.study import StudyConfig
from nada.errors import NadaError, UsageError
from nada.images import load_image
from nada.study import run_study, workshop

pytestmark = pytest.mark.usefixtures("made_up")


def run(config: StudyConfig) -> list[str]:
    said: list[str] = []
    run_study(config, said.append)
    return said


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyConfig:
    """A study that several tests look at and none changes."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        patch(monkeypatch.setattr, pages=True)
        config = tiny_study(tmp_path_factory.mktemp("finished"))
        run(config)
    return config


def test_every_cell_is_a_run_with_a_record_and_a_row_of_pictures(finished: StudyConfig) -> None:
    out = Path(finished.out)
    assert {path.name for path in out.iterdir()} >= {"setup.json", "cells", "study.csv", "study.json", "report.html"}
    found = records(out)
    assert len(found) == 1 + 2 * 2
    for name, record in found.items():
        folder = out / "cells" / name
        assert record["error"] is None and load_image(folder / "pictures.png").shape == (16, 8 * 16, 3)
        if record["cell"]["policy"] != "none":
            assert {path.name for path in folder.iterdir()} >= {"config.json", "metrics.jsonl", "adaptation.safetensors"}
            assert not (folder / "last.ckpt").exists(), "a state that nobody resumes, three times the weights"
            load_generator(str(folder))
    assert not list(out.rglob("*.lock")) and not list(out.rglob("*.tmp"))


def test_the_numbers_of_a_cell_are_those_that_nada_evaluate_gives_of_its_folder(
    finished: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two protocols would be two truths."""
    from nada.evaluation import plan as evaluating
    from nada.evaluation import run_evaluation

    monkeypatch.setattr(evaluating, "load_features", load_fake)
    name, record = next(item for item in records(finished.out).items() if item[1]["cell"]["policy"] == "late:1")
    folder = Path(finished.out) / "cells" / name
    scores = run_evaluation(EvaluateConfig(model=str(folder), num=8, device="cpu", record=False), quiet).scores
    values = {score.key.removesuffix("_demo_judge"): score.estimate.value for score in scores}
    names = {"direction": "directional", "target": "clip_t", "content": "content", "diversity": "diversity"}
    for ours, theirs in {**names, "diversity_kept": "diversity_kept"}.items():
        assert record["measures"][ours] == pytest.approx(values[theirs], abs=1e-12), ours


def test_without_adaptation_nothing_has_moved(finished: StudyConfig) -> None:
    (record,) = (record for record in records(finished.out).values() if record["cell"]["policy"] == "none")
    measures = record["measures"]
    assert [measures[name] for name in ("direction", "projection", "parameters", "collapsed")] == [0, 0, 0, 0]
    assert measures["content"] == pytest.approx(1) and measures["diversity_kept"] == pytest.approx(1)
    assert (record["cell"]["lr"], record["cell"]["seed"], record["cell"]["steps"]) == (None, None, 0)


def test_seeds_differ_and_two_jobs_make_what_one_makes(finished: StudyConfig, tmp_path: Path) -> None:
    run(dataclasses.replace(finished, jobs=2, out=str(tmp_path / "two")))
    assert records(tmp_path / "two") == records(finished.out) and timeless(tmp_path / "two") == timeless(finished.out)
    late = [r["measures"] for r in records(finished.out).values() if r["cell"]["policy"] == "late:1"]
    assert late[0] != late[1], "both seeds gave the same numbers"


def test_finished_cells_are_not_made_again(finished: StudyConfig) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(finished.out).glob("cells/*/cell.json")}
    said = run(finished)
    assert "0 to run, 5 already done" in said
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_study_grows_by_seeds_and_policies_and_its_old_cells_stay(tmp_path: Path) -> None:
    config = tiny_study(tmp_path, seeds="0", layers=("blocks:16",))
    run(config)
    old = records(config.out)
    said = run(dataclasses.replace(config, seeds="0,1", layers=("late:1", "all")))
    assert "late:1 selects what blocks:16 does, and is done once." in said
    new = records(config.out)
    assert len(new) == 1 + 2 * 2 and old.items() <= new.items()
    table = (Path(config.out) / "study.csv").read_text()
    assert table.count("blocks:16") == 2 and "late:1" not in table


@pytest.mark.parametrize(
    "change, named",
    [
        ({"num": 9}, "number of pictures"),
        ({"steps": 3}, "steps: 2, not 3"),
        ({"batch": 3}, "batch size"),
        ({"threads": 2}, "threads"),
    ],
    ids=lambda value: str(value),
)
def test_the_folder_of_another_study_is_refused(finished: StudyConfig, change: dict[str, int], named: str) -> None:
    before = records(finished.out)
    with pytest.raises(NadaError, match=f"another .*{named}.*choose another --out"):
        run(dataclasses.replace(finished, **change))
    assert records(finished.out) == before


def test_another_generator_under_the_same_name_is_refused(tmp_path: Path) -> None:
    config = tiny_study(tmp_path, seeds="0")
    run(config)
    make_tiny(tmp_path / "tiny", classes=3)
    with pytest.raises(NadaError, match="another generator"):
        run(config)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("")
    with pytest.raises(NadaError, match="holds no study"):
        run(tiny_study(tmp_path, out=str(tmp_path / "thesis")))
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


@pytest.mark.parametrize("error", [NadaError("the loss became NaN."), RuntimeError("out of memory\nand more")], ids=type)
def test_a_cell_that_fails_is_recorded_and_the_others_are_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    made = workshop.run_adaptation

    def failing(config: object, announce: object, into: Path) -> object:
        if "auto" in into.name and "seed1" in into.name:
            raise error
        return made(config, announce, into)

    monkeypatch.setattr(workshop, "run_adaptation", failing)
    config = tiny_study(tmp_path)
    study = run_study(config, quiet)
    assert (study.cells, study.failed, study.missing) == (5, 1, 0)
    (failed,) = (record for record in records(config.out).values() if record["error"])
    assert str(error).splitlines()[0] in failed["error"] and "\n" not in failed["error"] and not failed["measures"]
    assert run_study(config, quiet).failed == 1, "a plain restart hides the failure"
    monkeypatch.setattr(workshop, "run_adaptation", made)
    assert run_study(config, quiet).failed == 1, "a plain restart makes failed cells again"
    assert run_study(dataclasses.replace(config, retry_failed=True), quiet).failed == 0


def test_shards_together_are_the_whole(finished: StudyConfig, tmp_path: Path) -> None:
    """Also what the tables say in between."""
    config = dataclasses.replace(finished, out=str(tmp_path / "parts"))
    first = run(dataclasses.replace(config, shard="0/3"))
    assert any("3 of 5 cells are missing" in line for line in first)
    for shard in ("1/3", "2/3"):
        last = run(dataclasses.replace(config, shard=shard))
    assert not any("missing" in line for line in last)
    assert timeless(config.out) == timeless(finished.out)


def test_a_dry_run_on_another_study_is_refused_as_the_real_one_is(finished: StudyConfig) -> None:
    with pytest.raises(NadaError, match="steps: 2, not 3"):
        run(dataclasses.replace(finished, steps=3, dry_run=True))


def test_other_versions_are_said_and_change_nothing_that_is_there(tmp_path: Path) -> None:
    config = tiny_study(tmp_path, seeds="0", layers=("late:1",))
    run(config)
    path = Path(config.out) / "setup.json"
    kept = json.loads(path.read_text())
    kept["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(kept))
    said = run(config)
    assert "0 to run, 2 already done" in said and any("begun with torch 1.0;" in line for line in said)


def test_a_dry_run_lists_the_cells_and_leaves_nothing(tmp_path: Path) -> None:
    config = tiny_study(tmp_path, dry_run=True)
    said = run(config)
    assert not Path(config.out).exists()
    assert sum("late:1" in line for line in said) == 2 and any("about" in line and "s a cell" in line for line in said)


def test_report_only_needs_a_study_and_makes_the_tables_anew(finished: StudyConfig, tmp_path: Path) -> None:
    only = StudyConfig(out=finished.out, report_only=True)
    table = Path(finished.out) / "study.csv"
    before = table.read_bytes()
    table.unlink()
    run(only)
    assert table.read_bytes() == before
    with pytest.raises(UsageError, match="no study in"):
        run(dataclasses.replace(only, out=str(tmp_path / "nothing")))


def test_a_style_reference_adds_its_distance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nada.images import save_png

    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "cache"))
    for index in range(6):
        save_png(tmp_path / "style" / f"{index}.png", np.random.default_rng(index).integers(0, 256, (20, 20, 3), np.uint8))
    config = tiny_study(tmp_path, seeds="0", layers=("late:1",), style_reference=str(tmp_path / "style"))
    run(config)
    assert {record["error"] for record in records(config.out).values()} == {None}
    assert all(math.isfinite(record["measures"]["distance"]) for record in records(config.out).values())
    with pytest.raises(NadaError, match="another style reference"):
        run(dataclasses.replace(config, style_reference=None))


def test_a_generator_without_names_of_classes_has_no_recognised(tmp_path: Path) -> None:
    make_tiny(tmp_path / "tiny", classes=0)
    config = tiny_study(tmp_path, seeds="0", layers=("late:1",), weights=False)
    run(config)
    assert all(record["measures"]["recognised"] is None for record in records(config.out).values())
    assert not list(Path(config.out).rglob("adaptation.safetensors"))
    assert json.loads((Path(config.out) / "setup.json").read_text())["grid"]["policies"] == ["none", "late:1"]


def test_a_worker_that_dies_costs_one_retry_and_then_its_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when memory runs out: the kernel kills it without a word."""
    made = workshop.run_adaptation

    def dying(config: object, announce: object, into: Path) -> object:
        mark = tmp_path / f"died-{into.name}"
        if ("late" in into.name and not mark.exists()) or "auto" in into.name:
            mark.touch()
            os.kill(os.getpid(), 9)
        return made(config, announce, into)

    monkeypatch.setattr(workshop, "run_adaptation", dying)
    config = tiny_study(tmp_path, seeds="0")
    study = run_study(config, quiet)
    assert (study.failed, study.missing) == (1, 0)
    errors = {record["cell"]["policy"]: record["error"] for record in records(config.out).values()}
    assert errors["late:1"] is None and "ended 2 times (SIGKILL, as when memory runs out)" in errors["auto:2"]
