"""`nada invert` as a person calls it, on the bundled generator with the bundled guides."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

import nada.inversion.run
from nada.checkpoints import load_generator
from nada.cli import main
from nada.images import save_png

QUICK = ("--model", "demo-cifar10", "--steps", "4", "--samples", "8", "--starts", "2", "--device", "cpu")


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of the test's own; the command's settings of the process are not for the tests."""
    monkeypatch.setattr("nada.allocator.tune_allocator", lambda: False)
    monkeypatch.setattr("nada.allocator.tune_threads", lambda: None)
    monkeypatch.chdir(tmp_path)
    save_png("horse.png", load_generator("demo-cifar10").sample([7])[0].repeat(3, axis=0).repeat(4, axis=1))


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["invert", *arguments])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


def test_a_photograph_and_a_file_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Fails where a bundled part is missing, what was found is not told, or a bad file ends the command."""
    Path("notes.txt").write_text("no photograph")
    code, out, err = call(capsys, "horse.png", "notes.txt", *QUICK, "--out", "mine", "--class", "horse")
    assert code == 0 and Path("mine/horse/inversion.safetensors").is_file()
    first, line, *_ = out.splitlines()
    assert first.startswith("generator demo-cifar10 (32 px, 10 classes), perception demo, judge demo-judge, cpu fp32")
    assert line.startswith("horse: horse (given), 4 steps, pixels off by ") and "judge's cosine 0." in line
    assert err == "nada: left out: notes.txt is not a picture; PNG, JPEG, WebP, GIF, BMP and TIFF can be read.\n"


def test_an_interrupted_command_says_how_far_it_came(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails where Ctrl-C looks like success, or prints a traceback."""
    original = nada.inversion.run._Run._on_step

    def interrupt(self: Any, bar: Any, report: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        original(self, bar, report)

    monkeypatch.setattr(nada.inversion.run._Run, "_on_step", interrupt)
    code, out, err = call(capsys, "horse.png", *QUICK)
    assert code == 130 and not Path("inverted/sheet.png").exists()
    assert err == "Interrupted with 0 of 1 photographs finished; the same command goes on.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "Missing argument 'PHOTO...'"),
        (("gone.png",), 1, "none of the 1 photographs can be read, as cannot read gone.png: No such file"),
        (("horse.png", "--class", "hose"), 2, "did you mean 'horse'?"),
        (("horse.png", "--through", "demo"), 2, "demo is a whole generator, not an adaptation of one"),
        (("horse.png", "--through", "runs/7"), 1, "There is no generator 'runs/7'"),
        (("horse.png", "--perception", "dinov2=x.pth"), 2, "no feature maps to compare"),
        (("horse.png", "--judge", "lpips-vgg=x.pth"), 1, "x.pth"),
        (("horse.png", "--space", "z"), 2, "'z' is not one of 'w', 'w+'"),
        (("horse.png", "--starts", "99", "--samples", "9"), 2, "99 starts cannot be chosen among 9 samples"),
    ],
    ids=str,
)
def test_mistakes_cost_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    found, out, err = call(capsys, *arguments, "--model", "demo-cifar10", "--device", "cpu")
    assert (found, out) == (code, "") and err.startswith("nada: ") and words in err and err.count("\n") == 1
    assert not Path("inverted").exists()
