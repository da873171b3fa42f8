"""What is compared with what: sizes, classes, and references that a generator has seen."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_fakes import Inception, load_fake, make_generator, make_run, small
from fakes import tiny_generator
from tiny_runs import make_dots

from nada.checkpoints import save_generator
from nada.evaluation import Evaluation, run_evaluation
from nada.evaluation.kinds import score
from nada.evaluation.pictures import Made, Stored
from nada.evaluation.setting import GUIDED_BY, SAME, TRAINED_ON, Sides, blurred, resized, sides_of
from nada.evaluation.subjects import same_classes
from nada.metrics import Estimate
from nada.models import Generator

ESTIMATE = Estimate(1.0, 0.9, 1.1, 0.95, (5000, 5000), "made up")
FID, OTHER, RECALL = (score(kind, eye, ESTIMATE) for kind, eye in (
    ("fd", Inception()), ("fd", load_fake("demo")), ("recall", Inception()),
))  # fmt: skip


def evaluate(*given: object, **changes: object) -> Evaluation:
    result = run_evaluation(small(*given, **changes), lambda line: None)
    assert result is not None
    return result


def texts(*given: object, **changes: object) -> list[str]:
    return [doubt.text for doubt in evaluate(*given, **changes).doubts]


def make_training(folder: Path, data: Path, **options: object) -> Path:
    """A run of `nada train` on pictures."""
    make_generator(folder / "generator")
    record = {"command": "train", "options": {"data": str(data.resolve()), "include": None, **options}, "generator": {}}
    (folder / "config.json").write_text(json.dumps(record))
    return folder


@pytest.mark.parametrize(("side", "word"), [(32, "enlarged"), (1024, "shrunk")])
def test_published_numbers_are_of_pictures_as_they_are_made(side: int, word: str) -> None:
    """Fails where a 1024 px generator at the usual --size 256, or a folder of 32 px pictures, seems to have a published FID."""
    (doubt,) = resized([FID, OTHER, RECALL], 256, Sides(side, side, side))
    assert doubt.keys == ("fid",) and f"{side} px were {word} to 256 px" in doubt.text and f"--size {side}." in doubt.text
    assert not list(resized([FID], 256, Sides(180, 256, 300))) and not list(resized([OTHER], 256, Sides(9, 9, 9)))


@pytest.mark.parametrize(
    ("sides", "others", "told"),
    [(64, 256, True), (256, 32, True), (64, 64, False), (256, 1024, False), (64, 62, False), (2048, 1024, False)],
)
def test_two_sets_of_which_one_was_enlarged_are_not_alike(sides: int, others: int, told: bool) -> None:
    """Fails where blur counts as a fault of the generator; a data set that was shrunk to its size is as it should be."""
    found = list(blurred([FID, OTHER, RECALL], 256, Sides(*[sides] * 3), Sides(*[others] * 3)))
    assert [doubt.keys for doubt in found] == [("fid", "fd_demo", "recall_inception")] * told


def test_the_sides_of_pictures_are_those_in_their_files_and_not_their_size_when_seen(base: Path, tmp_path: Path) -> None:
    """Also with a file that is no picture, and again where what was seen comes from the cache."""
    pictures = make_dots(tmp_path / "dots", 12)
    (pictures / "a/broken.png").write_text("no picture")
    make_dots(tmp_path / "dots/large", 4, size=40)
    assert sides_of(Stored(pictures, 24)) == Sides(10, 10, 40) and sides_of(Made(tiny_generator(16), "", 2, 24)) == Sides(
        16, 16, 16
    )
    for _ in range(2):
        result = evaluate(base, reference=str(pictures))
        assert result.protocol["reference"]["sides"] == [10, 10, 40] and result.protocol["model"]["sides"] == [16, 16, 16]
        assert any("Pictures of 16 px and a reference of 10 to 40 px" in doubt.text for doubt in result.doubts)
    assert not any("blurred" in text for text in texts(base, reference=str(pictures), size=10))


@pytest.mark.parametrize("name", ["dots", "./dots/", "dots/a", "~/dots", "x/../dots"])
def test_a_training_meets_its_own_pictures_whatever_they_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Fails where only the absolute path that the run recorded is known again."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "x").mkdir()
    run = make_training(tmp_path / "run", make_dots(tmp_path / "dots", 30))
    other = make_dots(tmp_path / "dots-2", 14)
    assert TRAINED_ON in texts(run, reference=name, record=False)
    assert TRAINED_ON not in texts(run, reference=str(other), record=False)


@pytest.mark.parametrize(
    ("trained", "include", "told"),
    [
        ({}, "*", True),
        ({}, "*[02].png", True),
        ({"holdout": 0.1, "size": 8}, "*", True),
        ({"holdout_glob": "*[13579].png"}, "*[13579].png", False),
        ({"include": "*[02468].png"}, "*[13579].png", False),
        ({"include": "*[02468].png"}, "*[02468].png", True),
    ],
)
def test_a_pattern_takes_no_picture_out_of_a_training(
    tmp_path: Path, trained: dict[str, object], include: str, told: bool
) -> None:
    """Fails where any --include makes the training's own pictures strangers, or its held out ones its own."""
    run = make_training(tmp_path / "run", make_dots(tmp_path / "dots", 30), **trained)
    assert (TRAINED_ON in texts(run, include=include, record=False)) == told


def test_pictures_that_guided_an_adaptation_are_no_neutral_reference(base: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    logos, others = make_dots(tmp_path / "logos", 14), make_dots(tmp_path / "others", 15)
    run = make_run(tmp_path / "run", base, target_images=str(logos.resolve()))
    assert GUIDED_BY in texts(run, reference=os.path.relpath(logos), record=False)
    assert GUIDED_BY not in texts(run, reference=str(others), record=False)


def test_pictures_held_against_themselves_are_told(tmp_path: Path) -> None:
    """Also where they lie in two places; other pictures of the same number are others."""
    pictures, copy = make_dots(tmp_path / "dots", 14), make_dots(tmp_path / "copy", 14)
    assert SAME in texts(pictures, num=None, reference=str(copy))
    assert SAME not in texts(pictures, num=None, reference=str(make_dots(tmp_path / "more", 14, size=11)))


def test_an_adaptation_of_one_class_is_held_against_this_class_of_a_generator(base: Path, tmp_path: Path) -> None:
    """Fails where a distance measures that the reference has another class, too."""
    (tmp_path / "run").mkdir()
    run = make_run(tmp_path / "run", base, classes=["1"])
    more = save_generator(tmp_path / "more", tiny_generator(16, 3))
    for reference in (base, more):
        result = evaluate(run, reference=str(reference), record=False)
        assert [result.protocol[name]["conditions"] for name in ("model", "against", "reference")] == [["class1"]] * 3
        assert not any("the reference of" in doubt.text for doubt in result.doubts)
    without = save_generator(tmp_path / "without", tiny_generator(16))
    told = texts(run, reference=str(without), record=False)
    assert any("are of class1 and the reference of no condition" in text for text in told)


def test_classes_without_names_are_the_same_by_number_where_there_are_as_many() -> None:
    def nameless(classes: int) -> Generator:
        generator = tiny_generator(8, classes)
        generator.config = replace(generator.config, class_names=())
        return generator

    pictures = Made(nameless(3), "", 4, 8, classes=(2,))
    assert same_classes(pictures, nameless(3)) == (2,) and same_classes(pictures, nameless(4)) == ()


def test_classes_in_other_shares_than_the_references_are_told(base: Path, tmp_path: Path) -> None:
    """Folders of other names are no classes of this generator."""
    pictures = make_dots(tmp_path / "dots", 24)
    for index in range(0, 16, 2):
        (pictures / f"a/{index}.png").unlink()
    assert not any("equally often" in text for text in texts(base, reference=str(pictures)))
    for number, name in enumerate("ab"):
        (pictures / name).rename(pictures / f"class{number}")
    assert any("the reference has 4 to 12 pictures" in text for text in texts(base, reference=str(pictures)))
    assert not any("equally often" in text for text in texts(base, reference=str(pictures), classes=("1",)))
    equal = str(pictures / "class1")
    assert not any("equally often" in text for text in texts(base, reference=equal))
