"""What is said beside numbers that should not be believed, and how a model card takes up a result."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import Inception, load_fake, make_generator, small
from tiny_runs import make_dots

from nada.data import load_dataset
from nada.errors import NadaError
from nada.evaluation import Evaluation, run_evaluation
from nada.evaluation.computing import METRICS
from nada.evaluation.doubts import doubts
from nada.evaluation.keeping import with_section
from nada.evaluation.kinds import resize_of, score
from nada.evaluation.origin import Origin, origin_of
from nada.evaluation.pictures import HeldOut, Stored
from nada.evaluation.report import BEGIN, END
from nada.evaluation.setting import TRAINED_ON
from nada.evaluation.shelves import Seen
from nada.evaluation.sight import Sight
from nada.features import InceptionFeatures
from nada.metrics import Estimate
from nada.processes import Share
from nada.training.heldout import split_off

JUDGE = load_fake("demo-judge")


def told(kind: str, n: int = 5000, value: float = 1.0, eye: object = Inception()) -> list[str]:
    estimate = Estimate(value, value - 0.1, value + 0.1, 0.95, (n, n), "made up")
    scores = [score(kind, eye, estimate)]
    return [doubt.text for doubt in doubts(scores, Sight((eye, JUDGE), JUDGE, Seen(n)), Origin())]


def test_few_pictures_make_a_fid_doubtful_and_no_kid() -> None:
    assert "2047 pictures are few for 2048 features" in told("fd", 2047)[0]
    assert not told("fd", 2048) and not told("kd", 10) and not told("fd_infinity", 10)
    assert "1999 pictures are few" in told("sliced", 1999)[0] and not told("sliced", 2000)


@pytest.mark.parametrize(("kind", "least"), [
    ("precision", 2000), ("recall", 2000), ("density", 2000), ("coverage", 2000), ("cmmd", 5000), ("is", 5000),
])  # fmt: skip
def test_numbers_that_change_with_their_counts_say_so_where_these_are_small(kind: str, least: int) -> None:
    """Fails where a share among 100 pictures stands beside one among 50000 as if they compared."""
    few = [text for text in told(kind, least - 1) if "are few for" in text]
    assert len(few) == 1 and few[0].startswith(f"{least - 1} pictures")
    assert not any("are few for" in text for text in told(kind, least)) and not told("cmmd_unbiased", 10)


def test_numbers_of_one_reason_share_one_doubt_and_a_small_reference_is_told() -> None:
    """Fails where four shares bring four equal sentences, or pictures judged come to nothing without a word."""
    estimate = Estimate(0.5, 0.4, 0.6, 0.95, (50, 50), "made up")
    scores = [score(kind, JUDGE, estimate) for kind in ("precision", "recall", "kd")]
    few, thrown = doubts(scores, Sight((JUDGE,), JUDGE, Seen(90), Seen(50)), Origin())
    assert few.keys == thrown.keys == ("precision_demo_judge", "recall_demo_judge")
    assert "neighbours are of 50 of each" in thrown.text
    (few,) = doubts(scores, Sight((JUDGE,), JUDGE, Seen(50), Seen(90)), Origin())
    assert "50 pictures are few" in few.text


def test_an_fid_of_another_resize_is_another_number() -> None:
    """Fails where `clean` and `legacy` are continued as one curve, or the first escapes its doubts."""

    class Clean(InceptionFeatures):
        name, tag, width, published = "inception", "inception", 2048, True

        def __init__(self) -> None:
            self.convention = "pytorch-fid"

        def describe(self) -> dict[str, str]:
            return {"sha256": "sha of inception", "resize": self.convention}

    assert "2047 pictures are few" in told("fd", 2047, eye=Clean())[0] and not told("fd_infinity", 10, eye=Clean())
    estimate, eye = Estimate(1, 1, 1, 0.95, (2, 2), "made up"), Clean()
    found = [score(kind, eye, estimate) for kind in ("fd", "fd_infinity", "recall")]
    assert [one.key for one in found] == ["fid_pytorch_fid", "fid_infinity_pytorch_fid", "recall_inception_pytorch_fid"]
    assert found[0].title == "FID, pytorch-fid" and found[0].resize == "pytorch-fid"
    eye.convention = "legacy"
    assert score("fd", eye, estimate).key == "fid" and score("fd", eye, estimate).title == "FID"


def test_the_resize_of_a_guide_is_that_of_its_description() -> None:
    """It is asked for every score, and the description hashes a file each time."""
    for squash in (False, True):
        judge = load_fake("demo-judge")
        judge.encoder.squash = squash
        assert resize_of(judge) == judge.describe()["resize"]


def test_only_the_published_network_has_famous_names() -> None:
    estimate = Estimate(1, 1, 1, 0.95, (2, 2), "made up")
    names = {kind: score(kind, Inception(), estimate).key for kind in ("fd", "fd_infinity", "kd", "is", "recall")}
    assert names == {"fd": "fid", "fd_infinity": "fid_infinity", "kd": "kid", "is": "is", "recall": "recall_inception"}
    others = [score(kind, JUDGE, estimate) for kind in ("fd", "fd_infinity", "kd")]
    assert [other.key for other in others] == ["fd_demo_judge", "fd_demo_judge_infinity", "kd_demo_judge"]
    assert not any("FID" in other.title or "KID" in other.title for other in others)


def test_the_inception_score_is_for_photographs() -> None:
    assert "ImageNet" in told("is")[0]


@pytest.mark.parametrize(("kind", "value", "collapsed"), [
    ("diversity_kept", 0.3, True), ("diversity_kept", 0.45, False), ("duplicates", 0.7, True), ("duplicates", 0.55, False),
])  # fmt: skip
def test_a_collapse_is_told_where_its_whole_interval_says_so(kind: str, value: float, collapsed: bool) -> None:
    assert any("collapsed" in text for text in told(kind, value=value, eye=JUDGE)) == collapsed


def test_training_pictures_as_reference_and_the_chooser_of_the_best_are_told(tmp_path: Path) -> None:
    """Also fails where a training's own data are not found, or its best/ is taken for the run."""
    data = make_dots(tmp_path / "dots", 24)
    run = tmp_path / "00000-train-dots"
    make_generator(run / "generator")
    make_generator(run / "best")
    options = {"data": str(data), "metrics": "demo-judge", "include": None}
    (run / "best.json").write_text(json.dumps({"step": 7}))
    (run / "config.json").write_text(json.dumps({"command": "train", "options": options, "generator": {}}))
    whole, best = (run_evaluation(small(path), lambda line: None) for path in (run, run / "best"))
    assert isinstance(whole, Evaluation) and isinstance(best, Evaluation)
    assert TRAINED_ON in [doubt.text for doubt in whole.doubts] and whole.protocol["reference"]["name"] == str(data)
    assert any("demo-judge had no part in the loss" in doubt.text for doubt in best.doubts)
    assert not any("demo-judge" in doubt.text for doubt in whole.doubts)
    assert json.loads((run / "results.json").read_text()) == whole.to_dict()
    assert json.loads((run / "best/results.json").read_text()) == best.to_dict()
    assert not origin_of(str(run / "generator")).choosers  # what the run ended with, by its other name


@pytest.mark.parametrize("broken", [False, True])
def test_pictures_that_a_training_held_out_are_found_again(tmp_path: Path, broken: bool) -> None:
    """Fails where the rule or the size by which they were chosen is another, and tells nobody that it trained on them."""
    data = make_dots(tmp_path / "dots", 40)
    if broken:
        (data / "a/0000.png").write_text("no picture")
    run = tmp_path / "00000-train-dots"
    make_generator(run / "generator")
    options = {"data": str(data), "include": None, "holdout": 0.4, "size": 8}
    (run / "config.json").write_text(json.dumps({"command": "train", "options": options, "generator": {}}))
    held_out = split_off(load_dataset(data, 8), 0.4)[1]
    result = run_evaluation(small(run), lambda line: None)
    assert result is not None and TRAINED_ON not in [doubt.text for doubt in result.doubts]
    assert result.protocol["reference"]["pictures"] == len(held_out)
    named = run_evaluation(small(run, reference=str(data), record=False), lambda line: None)
    assert named is not None and TRAINED_ON in [doubt.text for doubt in named.doubts]  # all of them
    assert result.protocol["reference"]["held_out"] == {"share": 0.4, "size": 8}
    shown = [block.pictures for block in Stored(data, 8, held_out=HeldOut(0.4, 8)).blocks(5, Share())]
    assert np.array_equal(np.concatenate(shown), held_out.images)
    with pytest.raises(NadaError, match="none of the pictures in .* is of the 1e-09 that the training held out"):
        Stored(data, 8, held_out=HeldOut(1e-9, 8))


def test_a_run_that_did_not_stop_by_its_judge_was_not_chosen_by_it(run: Path) -> None:
    record = json.loads((run / "config.json").read_text())
    for stop, method, chosen in ((None, "nada", 1), (None, "official", 0), (False, "nada", 0), (True, "official", 1)):
        record["options"] |= {"stop": stop, "method": method}
        (run / "config.json").write_text(json.dumps(record))
        assert len(origin_of(str(run)).choosers) == chosen


def test_a_guide_in_another_file_is_the_same_guide(run: Path) -> None:
    """Fails where weights are compared by the checksum of their file alone: the same network is published in several."""
    record = json.loads((run / "config.json").read_text())
    record["guide"] = {"encoders": [{"name": "demo-judge", "sha256": "of the same weights as a pickle"}]}
    (run / "config.json").write_text(json.dumps(record))
    result = run_evaluation(small(run, judge="demo-judge"), lambda line: None)
    assert result is not None and any("demo-judge guided this adaptation" in doubt.text for doubt in result.doubts)


def test_guides_of_the_base_count_too(run: Path, tmp_path: Path) -> None:
    """An adaptation of an adaptation was bent to please both guides."""
    second = tmp_path / "second"
    second.mkdir()
    record = {"command": "adapt", "generator": str(run), "guide": {"encoders": [{"name": "other", "sha256": "1"}]}}
    (second / "config.json").write_text(json.dumps(record))
    assert set(origin_of(str(second)).guides.values()) == {"demo", "other"}


def test_a_card_keeps_what_people_wrote_around_the_section() -> None:
    first = with_section("# Mine\n", f"{BEGIN}\none\n{END}")
    assert with_section(first + "after\n", f"{BEGIN}\ntwo\n{END}") == f"# Mine\n\n{BEGIN}\ntwo\n{END}\nafter\n"
    with pytest.raises(NadaError, match="only one of the lines"):
        with_section(first.replace(END, ""), "three")


def test_a_large_set_is_thinned_evenly_for_neighbours() -> None:
    """Fails where a reference sorted by class would be cut to its first classes."""
    seen, reference = Seen(3, {JUDGE.tag: np.arange(3)[:, None]}), Seen(7, {JUDGE.tag: np.arange(7)[:, None]})
    made, real = Sight((JUDGE,), JUDGE, seen, reference).as_many(JUDGE)
    assert made[:, 0].tolist() == [0, 1, 2] and real[:, 0].tolist() == [0, 3, 6]
    assert made is seen.features[JUDGE.tag], "a set that is whole is not copied"


def test_pictures_that_lie_in_order_of_their_classes_are_as_diverse_as_mixed_ones() -> None:
    """A folder of classes: without a shuffle each of the ten splits would see one class, and the score be 1."""

    class Eye(InceptionFeatures):
        name, tag = "inception", "inception"

        def __init__(self) -> None:
            self.published = True

        def logits_of(self, features: np.ndarray) -> np.ndarray:
            return features

        def describe(self) -> dict[str, str]:
            return {"resize": "legacy"}

    eye = Eye()
    logits = 50 * np.eye(10).repeat(20, axis=0)
    (found,) = METRICS["is"].compute(Sight((eye,), JUDGE, Seen(200, {"inception": logits})), eye)
    assert found.key == "is" and found.estimate.value > 6
