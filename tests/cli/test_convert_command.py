"""`nada convert`: to our folder, and to the layout of the official StyleGAN-NADA."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from nada.checkpoints import hash_generator, load_generator
from nada.cli.convert import command
from nada.errors import NadaError

GOLDEN = Path(__file__).parents[1] / "golden"


def run(*args: object) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args])


@pytest.mark.parametrize("name", ["stylegan2-ada-64-cond.pkl", "stylegan2-rosinality-64.pt"])
def test_to_a_folder_and_nothing_is_lost(tmp_path: Path, name: str) -> None:
    result = run(GOLDEN / name, tmp_path / "out")
    assert result.exit_code == 0 and "64 px" in result.stdout
    source, copy = load_generator(GOLDEN / name), load_generator(tmp_path / "out")
    assert copy.config == source.config and hash_generator(copy) == hash_generator(source)
    assert torch.equal(copy.mapping.w_avg, source.mapping.w_avg)
    assert json.loads((tmp_path / "out" / "config.json").read_text())["metadata"]["converted_from"] == name


def test_to_a_pt_that_gives_the_same_pictures(tmp_path: Path) -> None:
    result = run(GOLDEN / "stylegan2-ada-32.pkl", tmp_path / "out.pt")
    assert result.exit_code == 0 and "widths" in result.stderr
    source, copy = load_generator(GOLDEN / "stylegan2-ada-32.pkl"), load_generator(tmp_path / "out.pt")
    z = torch.randn(2, 64)
    assert torch.equal(copy(z, truncation=0.5), source(z, truncation=0.5))
    state = torch.load(tmp_path / "out.pt", weights_only=True)["g_ema"]
    assert state["convs.0.conv.blur.kernel"].sum() == 4 and state["to_rgbs.2.upsample.kernel"].sum() == 4


def test_classes_do_not_fit_into_a_pt(tmp_path: Path) -> None:
    result = run(GOLDEN / "stylegan2-ada-64-cond.pkl", tmp_path / "out.pt")
    assert isinstance(result.exception, NadaError) and "10 classes" in str(result.exception)
    assert not (tmp_path / "out.pt").exists()


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    error = run(tmp_path / "none.pkl", tmp_path / "out").exception
    assert isinstance(error, NadaError) and error.exit_code == 1 and "none.pkl" in str(error)
