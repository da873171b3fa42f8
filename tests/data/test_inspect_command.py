"""`nada data inspect` as a user calls it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from inspect_pictures import encoded, noise

from nada.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for n in range(4):
        noise(n).save(tmp_path / f"{n}.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    return tmp_path


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["data", "inspect", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_a_summary_and_a_page(folder: Path) -> None:
    code, out, _ = run(folder, "--html", folder / "out/report.html", "--include", "*.png")
    assert code == 0 and "4 (" in out and "broken.png: is not a picture" in out and "all 40 x 40 px" in out
    assert out.endswith(f"page: {folder / 'out/report.html'}\n")
    assert (folder / "out/report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_json_is_nothing_but_json(folder: Path) -> None:
    code, out, _ = run(folder, "--json", "--html", folder / "report.html", "--include", "[12].png")
    assert code == 0 and json.loads(out)["pictures"] == 2 and (folder / "report.html").is_file()


def test_columns_of_unusual_names(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {"scan": [encoded(noise(1)), encoded(noise(2))], "remark": ["a red house", "a hut"], "kind": ["p", "q"]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    columns = ("--image-column", "scan", "--text-column", "remark", "--label-column", "kind")
    summary = json.loads(run(tmp_path / "a.parquet", "--json", *columns)[1])
    assert summary["captions"]["words"]["max"] == 3 and summary["charts"]["class"] == {"p": 1, "q": 1}
    assert "class" not in json.loads(run(tmp_path / "a.parquet", "--json", "--class-from", "none")[1])["charts"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--near", "12"], 2, "0 to 11, not 12"),
        (["--samples", "0"], 2, "between 1 and 500"),
        (["--include", "*.gif"], 1, "there is no picture that fits"),
        (["--html", "1.png/x.html"], 1, "cannot write"),
    ],
)
def test_mistakes_cost_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(folder)
    got, _, err = run(".", *arguments)
    assert got == code and message in err.splitlines()[-1]


def test_a_name_that_is_no_unicode_does_not_end_it(tmp_path: Path) -> None:
    """Old archives leave such names on Linux; neither the terminal nor the page can hold them as they are."""
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    try:
        Path(os.fsdecode(name)).write_bytes(b"nothing")
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    noise(1).save(tmp_path / "a.png")
    code, out, _ = run(tmp_path, "--html", tmp_path / "page.html")
    assert code == 0 and "caf\\udce9.png" in out and (tmp_path / "page.html").is_file()
    assert json.loads(run(tmp_path, "--json")[1])["broken"][0]["name"] == "caf\udce9.png"


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    noise(1).save(tmp_path / "a.png")
    (tmp_path / "\x1b[2J.png").write_bytes(b"nothing")
    assert "\\x1b[2J.png: is not" in run(tmp_path)[1]
