"""`nada data` and `nada data import`, as they are called."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from nada.cli import main
from nada.cli.data import COMMANDS
from nada.cli.data import command as group


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["data", *map(str, arguments)])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name, colour in (("dog/1.png", "red"), ("dog/2.png", "blue"), ("cat/3.png", "green")):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 10), colour).save(path)
    (tmp_path / "pets" / "cat" / "bad\x1b.png").write_bytes(b"broken")
    (tmp_path / "pets" / "dog" / "1.txt").write_text("a red dog")
    return tmp_path / "pets"


def test_every_command_of_the_group_exists() -> None:
    for name in COMMANDS:
        assert isinstance(group.get_command(click.Context(group), name), click.Command)


def test_the_options_offer_what_the_import_knows() -> None:
    from nada.config.data import ImportConfig, InspectConfig
    from nada.data.fitting import FITS
    from nada.data.inspection.inspecting import NEAR, SAMPLES
    from nada.data.records import CLASS_FROM, Reading

    choices = {field.name: field.metadata["choices"] for field in dataclasses.fields(ImportConfig)}
    assert choices["class_from"] == CLASS_FROM and choices["fit"] == FITS
    assert Reading(**ImportConfig().reading()) == Reading(**InspectConfig().reading()) == Reading()
    assert (InspectConfig().near, InspectConfig().samples) == (NEAR, SAMPLES)


@pytest.mark.parametrize("words", [["data", "--help"], ["data", "import", "--help"], ["data", "inspect", "--help"]])
def test_help_loads_neither_torch_nor_numpy(words: list[str]) -> None:
    code = (
        "import sys; from nada.cli import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'numpy', 'PIL', 'pyarrow', 'tqdm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]" and "import" in done.stdout


def test_an_import_says_what_it_did(pictures: Path, tmp_path: Path) -> None:
    out, skipped = tmp_path / "pets.zip", tmp_path / "skipped.txt"
    result = run("import", pictures, out, "--size", 16, "--fit", "pad", "--skipped", skipped)
    assert result.exit_code == 0, result.output
    assert "3 pictures, 16 px, 2 classes, 1 caption" in result.stdout
    assert "left out: 1 picture that cannot be read: cat/bad\\x1b.png: is not a picture" in result.stdout
    assert skipped.read_text().startswith("cat/bad") and "\tis not a picture" in skipped.read_text()
    with zipfile.ZipFile(out) as archive:
        content = json.loads(archive.read("dataset.json"))
    assert content["import"]["fit"] == "pad" and content["label_names"] == ["cat", "dog"]


def test_what_is_there_is_replaced_only_when_asked(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "pets.zip"
    out.write_text("mine")
    refused = run("import", pictures, out, "--size", 16)
    assert refused.exit_code == 2 and "--force" in refused.stderr and out.read_text() == "mine"
    assert run("import", pictures, out, "--size", 16, "--force").exit_code == 0 and zipfile.is_zipfile(out)


@pytest.mark.parametrize(
    "options, code, words",
    [
        (["--fit", "squash"], 2, "'squash' is not one of 'crop', 'pad', 'stretch'"),
        (["--background", "nothing"], 2, "'nothing' is no colour"),
        (["--size", "0"], 2, "between 1 and"),
        (["--limit", "0"], 2, "at least 1"),
        (["--class-from", "column"], 2, "no dataset.json"),
        (["--include", "*.jpg"], 1, "no picture that fits '*.jpg'"),
    ],
)
def test_a_mistake_costs_one_line(pictures: Path, tmp_path: Path, options: list[str], code: int, words: str) -> None:
    result = run("import", pictures, tmp_path / "out.zip", *options)
    last = result.stderr.splitlines()[-1]
    assert result.exit_code == code and last.startswith("nada: ") and words in last
    assert not list(tmp_path.glob("out.zip*"))
