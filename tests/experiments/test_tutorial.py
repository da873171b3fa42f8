"""The tutorial of `experiments/tutorial`: every command and line of code on the page runs, and every picture is there."""

from __future__ import annotations

import importlib.util
import re
import shutil
import time
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from fake_hub import FakeHub
from fake_hub import fake_hub as fake_hub

from nada.cli import main
from nada.images import load_image

FOLDER = Path(__file__).parents[2] / "experiments" / "tutorial"
LARGEST = 300_000
# The page as it stands takes some minutes; with these counts, seconds. Nothing else of a command is changed.
FEWER = {"--steps": "3", "--num": "24", "--of": "8", "--frames": "4"}
SHORTER = {"adapt": ["--batch", "2"], "invert": ["--samples", "16", "--starts", "1"]}


@pytest.fixture(name="page", scope="module")
def the_page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tutorial", FOLDER / "tutorial.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shortened(words: list[str]) -> list[str]:
    counts = [FEWER.get(before, word) for before, word in zip(["", *words], words)]
    return [*counts, *SHORTER.get(words[0], [])]


def test_every_command_and_the_code_of_the_page_run(
    page: ModuleType, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.owner = "you"
    for setter in ("tune_allocator", "tune_threads"):  # the test's own process keeps its settings
        monkeypatch.setattr(f"nada.allocator.{setter}", lambda: None)
    shutil.copytree(FOLDER / page.PHOTOS, tmp_path / page.PHOTOS)
    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "cache"))  # an evaluation keeps features there
    monkeypatch.chdir(tmp_path)
    commands = page.read_commands()
    assert {words[0] for words in commands} >= {"adapt", "generate", "mix", "interpolate", "invert", "evaluate", "export"}
    for words in commands:
        started = time.perf_counter()
        result = CliRunner().invoke(main, shortened(words))
        assert result.exit_code == 0, f"nada {' '.join(words)}\n{result.output}\n{result.exception!r}"
        print(f"{time.perf_counter() - started:5.1f} s  nada {' '.join(words)[:100]}")
    for made in page.PICTURES.values():
        assert (tmp_path / made).is_file(), f"no command makes {made}"
    assert hub.repositories["you/minimal-logo"].private
    code = re.sub(r"(steps|frames)=\d+", r"\1=3", page.read_python())
    assert code.count("=3") == 2
    exec(code.replace("steps=3", "steps=3, samples=16, starts=1"), {})
    assert (tmp_path / "halfway.gif").is_file() and (tmp_path / "my-logo-again" / "README.md").is_file()


def test_every_picture_of_the_page_is_there_and_small(page: ModuleType) -> None:
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(page.PICTURES)
    for name in shown:
        assert (FOLDER / name).stat().st_size < LARGEST, f"{name} is too large for a page"
        load_image(FOLDER / name)


def test_every_link_of_the_page_leads_somewhere() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"(?<!!)\[[^\]]+\]\((?!http)([^)]+)\)", text):
        assert (FOLDER / link).exists(), link
