"""`nada mix` as a person calls it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from domain_makers import adapted_run, save_base

from nada.checkpoints import load_generator
from nada.cli import main


def test_mix_from_the_command_line(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    runs = [str(adapted_run(tmp_path / name, base, "b16.conv1.weight", target=name)) for name in ("logo", "sketch")]
    out = str(tmp_path / "out")
    done = CliRunner().invoke(main, ["mix", *runs, "--weights", "-0.5,1", "--out", out, "--seeds", "0", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    first, last = done.output.splitlines()
    assert "mix -0.5 logo + 1 sketch" in first and "adaptation.safetensors" in last
    assert load_generator(out).config.resolution == 16


def test_mistakes_cost_one_line(tmp_path: Path) -> None:
    for words, code in ((["mix"], 2), (["mix", "demo"], 2), (["mix", str(tmp_path / "none.safetensors")], 1)):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == code and done.stderr.count("\n") == 1, done.output
