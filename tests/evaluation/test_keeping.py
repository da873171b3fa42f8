"""Numbers are told before they are written, and a place that takes none is known before they are made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evaluation_fakes import Guide, load_fake, small

from nada.cli import main
from nada.errors import NadaError, UsageError
from nada.evaluation import Evaluation, run_evaluation
from nada.evaluation.kinds import KINDS, score
from nada.evaluation.origin import origin_of
from nada.evaluation.report import BEGIN, WIDEST
from nada.evaluation.scores import Score
from nada.metrics import Estimate
from nada.sharing.numbers import read_evaluation

ESTIMATE = Estimate(-0.0003123, -0.0004321, -0.0001234, 0.95, (50000, 70000), "made up")


def evaluation_of(*scores: Score, **left_out: str) -> Evaluation:
    return Evaluation(scores, (), left_out, {"size": 256}, {"metrics": "auto"})


@pytest.mark.parametrize("place", [".", "file/inside.json"])
def test_a_place_that_takes_no_results_is_known_before_pictures_are_made(base: Path, place: str) -> None:
    Path("file").write_text("a file")
    with pytest.raises((NadaError, UsageError), match="is a folder; give the name|which is a file and no folder"):
        run_evaluation(small(base, json=place), lambda line: None)
    assert not Guide.shown


def test_a_card_that_cannot_take_the_section_is_known_before_anything_is_made_or_written(run: Path) -> None:
    """Fails where results.json is new, the card is old, and all numbers are lost."""
    (run / "README.md").write_text(f"# mine\n{BEGIN}\n")
    before = sorted(run.rglob("*"))
    with pytest.raises(NadaError, match="only one of the lines"):
        run_evaluation(small(run), lambda line: None)
    (run / "README.md").write_bytes(b"\xff\xfe# no UTF-8")
    with pytest.raises(NadaError, match="cannot read .*README.md"):
        run_evaluation(small(run), lambda line: None)
    assert not Guide.shown and sorted(run.rglob("*")) == before
    assert run_evaluation(small(run, record=False), lambda line: None) is not None


def test_the_table_is_told_though_nothing_can_be_written(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a disk that filled up in the meantime takes an hour's numbers with it."""

    def full(path: Path, value: object) -> Path:
        raise NadaError(f"cannot write {path}: the disk is full.")

    for module in ("run", "keeping"):
        monkeypatch.setattr(f"nada.evaluation.{module}.write_json", full)
    for changes in ({}, {"json": "out.json"}):
        told: list[str] = []
        with pytest.raises(NadaError, match="the disk is full"):
            run_evaluation(small(run, **changes), told.append)
        assert any(line.startswith("CLIP-T ") for line in told) and not any("written" in line for line in told)


def test_what_was_asked_for_and_is_missing_is_a_failure_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fails where a script goes on as if every number were there."""
    monkeypatch.setattr("nada.allocator.tune_allocator", lambda: False)
    monkeypatch.setattr("nada.allocator.tune_threads", lambda: None)
    for metrics, code in (("frechet,kernel", 1), ("auto", 0)):
        result = Evaluation((), (), {"kernel (demo)": "why"}, {}, {"metrics": metrics})
        monkeypatch.setattr("nada.evaluation.run_evaluation", lambda config, say, result=result: result)
        with pytest.raises(SystemExit) as caught:
            main(["evaluate", "--model", "demo"])
        assert (caught.value.code or 0) == code and ("kernel (demo)" in capsys.readouterr().err) == bool(code)


def test_the_curves_are_at_the_step_whose_weights_are_judged(run: Path) -> None:
    """Fails where a judge stopped an adaptation at step 80, kept those of step 40, and the number stands at 80."""
    assert origin_of(str(run)).step == 30
    (run / "result.json").write_text(json.dumps({"steps": 80, "best_step": 40}))
    assert origin_of(str(run)).step == 40


def test_table_and_card_name_the_resize_and_the_table_fits_a_terminal() -> None:
    """Fails where an FID comes without its convention, or a long name breaks every line."""
    judge = load_fake("ViT-B-32/laion400m_e32")
    estimate = Estimate(0.0312, 0.0123, 0.0432, 0.95, (1000, 70000), "made up")
    scores = [score(kind, judge, estimate) for kind in ("fd", "kd", "precision", "content")]
    lines = evaluation_of(*scores).lines()
    assert max(map(len, lines)) <= WIDEST and all(" crop " in line for line in lines[2:])
    assert "ViT-B-32/laion4…  crop" in lines[2]
    card = evaluation_of(*scores).section()
    assert "| features | resize | better |" in card and "| ViT-B-32/laion400m_e32 | crop | smaller |" in card


def test_every_number_of_the_bundled_judge_fits_a_terminal() -> None:
    table = evaluation_of(*(score(kind, load_fake("demo-judge"), ESTIMATE) for kind in KINDS)).lines()
    assert max(map(len, table)) <= WIDEST


def test_an_export_reads_resize_and_constants_back_and_older_files_without(tmp_path: Path) -> None:
    made = evaluation_of(score("precision", load_fake("demo-judge"), ESTIMATE))
    (tmp_path / "results.json").write_text(json.dumps(made.to_dict()))
    assert read_evaluation(tmp_path) == made and made.scores[0].details == {"k": 3}
    older = made.to_dict()
    for facts in older["scores"].values():
        del facts["resize"], facts["details"]
    (tmp_path / "results.json").write_text(json.dumps(older))
    read = read_evaluation(tmp_path)
    assert read is not None and read.scores[0].resize == "" and read.scores[0].estimate == ESTIMATE


def test_the_record_says_how_when_and_by_what(run: Path) -> None:
    """Fails where a number cannot be made again from what stands beside it."""
    result = run_evaluation(small(run), lambda line: None)
    assert result is not None
    protocol = result.protocol
    assert protocol["nada"] and protocol["date"].startswith("20") and protocol["kernels"] and protocol["processes"] == 1
    assert protocol["judge"]["templates"] == len(load_fake("demo-judge").encoder.templates)
    assert len(protocol["judge"]["templates_sha256"]) == 64
    neighbours = result.to_dict()["scores"]["neighbours_demo_judge"]
    assert neighbours["details"] == {"k": 10} and neighbours["resize"] == "centre crop"
