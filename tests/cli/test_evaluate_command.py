"""`nada evaluate` as a person calls it, on the bundled generator with the bundled guides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_runs import make_dots

from nada.cli import main


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder and a cache of the test's own; the command's settings of the process are not for the tests."""
    monkeypatch.setattr("nada.allocator.tune_allocator", lambda: False)
    monkeypatch.setattr("nada.allocator.tune_threads", lambda: None)
    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", *arguments])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


def test_the_bundled_generator_against_pictures_and_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Fails where a bundled part is missing, or a number comes without what it is of."""
    make_dots(Path("dots"), 9)
    asked = ("--model", "demo", "--reference", "dots", "--prompt", "zebra fruit", "--pictures", "9", "--size", "64")
    code, out, err = call(capsys, *asked, "--device", "cpu", "--json", "out.json")
    assert (code, err) == (0, "")
    first, *_ = out.splitlines()
    assert first.startswith("model demo (9 pictures at 64 px), judge demo-judge, features demo-judge, cpu")
    lines = {line.split("  ")[0]: line for line in out.splitlines()}
    assert "fd_demo_judge [1] [3]" in lines and "CLIP-T [2]" in lines and "FID" not in out
    assert "[1] 9 pictures are few for 128 features" in out and "[2] demo-judge never saw the words zebra;" in out
    assert "  demo-judge  crop    smaller" in lines["fd_demo_judge [1] [3]"], "features, resize and the better end"
    stored = json.loads(Path("out.json").read_text())
    score = stored["scores"]["fd_demo_judge"]
    assert score["low"] <= score["value"] <= score["high"] and score["n"] == [9, 9]
    protocol = stored["protocol"]
    assert protocol["model"]["size"] == protocol["reference"]["size"] == 64 and "lanczos" in protocol["model"]["resize"]
    assert len(protocol["judge"]["sha256"]) == 64 and protocol["model"]["conditions"] == "all in turn"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--model", "dmo"), 2, "Did you mean demo?"),
        ((), 1, "there is no run in the folder runs"),
        (("--model", "demo", "--reference", "nowhere.zip"), 1, "nowhere.zip"),
        (("--model", "demo", "--metrics", "kid"), 2, "--metrics kid cannot be had"),
        (("--model", "demo", "--bach", "3"), 2, "--batch"),
    ],
)
def test_a_mistake_costs_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, message: str
) -> None:
    given, out, err = call(capsys, *arguments)
    assert (given, out) == (code, "") and message in err and err.count("\n") == 1
