"""The size of a training that nobody gave one."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import tiny_generator
from tiny_runs import make_dots, quiet

from nada.checkpoints import save_generator
from nada.config.train import TrainConfig
from nada.data.fitting import Fit
from nada.data.importing import import_pictures
from nada.errors import UsageError
from nada.training import run_training


def said_by(config: TrainConfig) -> list[str]:
    said: list[str] = []
    run_training(replace(config, dry_run=True), said.append)
    return said


@pytest.mark.parametrize("imported, wanted", [(16, "16 px (as the data)"), (20, "16 px (the data have 20)")])
def test_without_a_size_it_is_that_of_the_import(config: TrainConfig, tmp_path: Path, imported: int, wanted: str) -> None:
    """Catches a training at 64 px of an archive of 256, which nobody was told of."""
    path = tmp_path / "dots.zip"
    import_pictures(config.data, path, Fit(imported))
    config = replace(config, size=None, data=str(path))
    assert f"generator {wanted}, " in said_by(config)[0]
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert f"generator {wanted}, " in said_by(replace(config, data=str(tmp_path / "unpacked")))[0]
    assert "generator 8 px, " in said_by(replace(config, size=8))[0]


def test_without_a_size_it_is_that_of_init_and_else_64(config: TrainConfig, tmp_path: Path) -> None:
    save_generator(tmp_path / "given", tiny_generator(16, classes=2))
    config = replace(config, size=None)
    assert "generator 64 px (by default), " in said_by(config)[0]
    tuned = replace(config, init=str(tmp_path / "given"))
    assert "generator 16 px (as --init), " in said_by(tuned)[0]
    with pytest.raises(UsageError, match="leave --size out, or give --size 16"):
        said_by(replace(tuned, size=8))
    with pytest.raises(UsageError, match="--channels needs one number or 5 of them for 64 px"):
        said_by(replace(config, channels="4,4"))
    folder = run_training(replace(tuned, kimg=0.004), quiet).folder
    assert json.loads((folder / "config.json").read_text())["options"]["size"] == 16
    assert "generator 16 px, " in said_by(TrainConfig(resume=str(folder), out=config.out))[0]


def test_a_stray_picture_is_named_before_a_training_without_classes(config: TrainConfig, tmp_path: Path) -> None:
    """Catches an unconditional training that nobody was told of; who asks for one needs no note."""
    folder = make_dots(tmp_path / "mixed")
    (folder / "stray.png").write_bytes((folder / "a" / "0.png").read_bytes())
    config = replace(config, data=str(folder))
    note = "note: no classes, as stray.png lies in none of the 2 folders"
    assert any(line.startswith(note) for line in said_by(config))
    assert not any(line.startswith("note") for line in said_by(replace(config, cond="none")))
