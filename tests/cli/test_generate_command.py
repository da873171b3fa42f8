"""`nada generate` as a person calls it, on the bundled generator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nada.cli import main
from nada.generation import read_settings


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of the test's own; the command's settings of the process are not for the tests."""
    monkeypatch.setattr("nada.allocator.tune_allocator", lambda: False)
    monkeypatch.setattr("nada.allocator.tune_threads", lambda: None)
    monkeypatch.chdir(tmp_path)


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["generate", *arguments])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


def test_pictures_with_a_sheet_and_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("--seeds", "3,5-6", "--class", "apple", "--class", "lemon", "--truncation", "0.7", "--grid", "--device", "cpu")
    code, out, err = call(capsys, *asked, "--json", "done.json")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("generator demo (64 px, 4 classes), cpu fp32, ")
    folder = Path("generated/demo-apple-lemon-psi0-7")
    assert f"3 pictures made: {folder}" in out
    assert sorted(path.name for path in folder.iterdir()) == ["grid.png", "seed0003.png", "seed0005.png", "seed0006.png"]
    assert read_settings(folder / "seed0006.png")[0].condition == "apple"
    record = json.loads(Path("done.json").read_text())
    assert (record["made"], record["kept"], record["options"]["truncation"]) == (3, 0, 0.7)
    code, out, _ = call(capsys, *asked)
    assert code == 0 and "0 pictures made, 3 were there already" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--model", "dmo"), 2, "Did you mean demo?"),
        (("--model", "latest"), 1, "there is no run in the folder runs"),
        (("--seeds", "-3"), 2, "--seeds '-3': seeds are whole numbers"),
        (("--class", "pear"), 2, "there are apple, lemon, mango, raspberry"),
        (("--strength", "0.5"), 2, "demo is a whole generator and no adaptation"),
        (("--like", "nowhere.png"), 1, "cannot read nowhere.png"),
        (("--optimise", "many"), 2, "'many' is not a valid integer"),
        (("--noise", "loud"), 2, "'loud' is not one of"),
    ],
)
def test_a_mistake_costs_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, message: str
) -> None:
    given, out, err = call(capsys, *arguments)
    assert (given, out) == (code, "") and message in err and err.count("\n") == 1


def test_an_option_that_stands_for_a_number_by_itself() -> None:
    """`--optimise` alone is 100 steps, also before another option."""
    from click.testing import CliRunner

    from nada.cli.generate import command

    for line, steps in ((["--optimise", "--grid"], 100), (["--optimise", "7"], 7), ([], 0)):
        context = command.make_context("generate", list(line))
        assert context.params["optimise"] == steps, line
    assert "--optimise" in CliRunner().invoke(command, ["--help"]).output
