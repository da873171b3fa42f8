"""A few pictures beside the folders of the others: said where they can be read, no matter where they cannot."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from click.testing import CliRunner
from import_cases import described, folder, run
from inspect_pictures import encoded, noise

from nada.cli import main
from nada.data import decoding, load_dataset
from nada.data.records import Reading
from nada.data.sources import open_source
from nada.errors import UsageError

FRUIT = {f"{name}/{n}.png": encoded(noise(n)) for name in ("apple", "lemon") for n in range(3)}
STRAY = {"stray.png": encoded(noise(9))}
BROKEN = {"broken.png": b"no picture"}
NOTE = "no classes, as stray.png lies in none of the 2 folders that the others lie in"


def inside(top: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{top}/{name}": data for name, data in files.items()}


@pytest.mark.parametrize("files", [{**FRUIT, **BROKEN}, {**inside("fruit", FRUIT), **BROKEN}])
def test_a_stray_picture_that_cannot_be_read_takes_no_classes_away(tmp_path: Path, files: dict[str, bytes]) -> None:
    """Catches classes decided by files that are left out, and a folder around all taken for the only class."""
    source = folder(tmp_path / "fruit", files)
    data = load_dataset(source, 8)
    assert data.class_counts() == {"apple": 3, "lemon": 3} and not data.note
    report = run(source, tmp_path / "fruit.zip")
    assert report.classes == {"apple": 3, "lemon": 3} and not report.note
    assert described(report.out)["label_names"] == ["apple", "lemon"]
    said = CliRunner().invoke(main, ["data", "inspect", str(source)]).stdout
    assert "2: apple 3, lemon 3" in said and "no class" not in said


def test_a_stray_picture_takes_the_classes_away_and_is_named(tmp_path: Path) -> None:
    """Catches an unconditional training that nobody was told of."""
    source = folder(tmp_path / "fruit", {**FRUIT, **STRAY, **BROKEN})
    data = load_dataset(source, 8)
    assert data.labels is None and data.class_names == () and data.note.startswith(NOTE)
    invoked = CliRunner().invoke(main, ["data", "import", str(source), str(tmp_path / "fruit.zip"), "--size", "8"])
    assert f"note: {NOTE}" in invoked.stdout and "class," not in invoked.stdout
    assert described(tmp_path / "fruit.zip")["labels"] is None
    said = CliRunner().invoke(main, ["data", "inspect", str(source)]).stdout
    assert f"There are {NOTE}" in said and "classes         none" in said


def test_an_import_that_goes_on_still_knows_of_a_stray_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a decision by the pictures of the second part alone: the stray one comes first."""
    source = folder(tmp_path / "fruit", {**FRUIT, "a-stray.png": STRAY["stray.png"]})

    monkeypatch.setattr(decoding, "_CHUNK", 1)

    def stop(records, count, done):
        for number, record in enumerate(records):
            if number == 5:
                raise KeyboardInterrupt
            yield record

    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path / "fruit.zip", progress=stop, workers=1)
    report = run(source, tmp_path / "fruit.zip", workers=1)
    assert report.resumed and report.classes == {} and "a-stray.png" in report.note
    whole = run(source, tmp_path / "whole.zip")
    assert dataclasses.replace(whole, out=report.out, resumed=report.resumed) == report


def test_only_a_few_pictures_are_stray(tmp_path: Path) -> None:
    """Where most lie in no folder, the others' folders were never meant as classes."""
    loose = {f"{n}.png": encoded(noise(n)) for n in range(7)}
    data = load_dataset(folder(tmp_path / "mostly", {**FRUIT, **loose}), 8)
    assert data.labels is None and not data.note
    split = folder(tmp_path / "split", {**inside("train", FRUIT), **inside("test", FRUIT), **BROKEN})
    assert load_dataset(split, 8).class_names == ("apple", "lemon")
    with pytest.raises(UsageError, match="stray.png is in none"):
        open_source(folder(tmp_path / "fruit", {**FRUIT, **STRAY}), reading=Reading(class_from="folder"))
