"""`nada interpolate` as a person calls it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from PIL import Image

from domain_makers import adapted_run, save_base
from nada.cli import main


def call(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["interpolate", *words])
    return done.exit_code, done.stdout, done.stderr


def test_a_film_from_the_command_line(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base", classes=2)
    run = adapted_run(tmp_path / "run", base, "b16.conv1.weight")
    out = str(tmp_path / "walk.gif")
    words = ["--model", str(run), "--seeds", "1,2", "--class", "class1", "--frames", "5", "--loop", "--size", "32"]
    code, told, _ = call(*words, "--out", out, "--device", "cpu")
    first, last = told.splitlines()
    assert code == 0 and "16 px, 2 classes" in first and "5 frames of 32x32" in last
    with Image.open(out) as film:
        assert film.n_frames == 5 and film.size == (32, 32)
    assert call(*words, "--out", out, "--device", "cpu", "--label")[0] == 0, "a second film replaces the first"


def test_mistakes_cost_one_line(tmp_path: Path) -> None:
    out = ("--out", str(tmp_path / "walk.gif"))
    for words, code in ((("--space", "x"), 2), (("--seeds", "1", *out), 2), (("--model", str(tmp_path / "x.pkl"), *out), 1)):
        found = call(*words)
        assert found[0] == code and found[2].count("\n") == 1, found
