"""`nada data download` as people call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from misbehaving_server import Fault, Page, misbehaving_server
from PIL import Image

from nada.cli import main


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, ["data", "download", *words])
    return done.exit_code, done.stdout, done.stderr


def test_help_names_both_data_sets() -> None:
    code, out, _ = run("--help")
    assert code == 0 and "cifar10" in out and "pokemon" in out


def test_pokemon_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    with misbehaving_server() as server:
        rows = [{"name": name, "url": f"/pokemon/{name}"} for name in ("abra", "lapras")]
        server.pages["/pokemon?limit=5&offset=0"] = Page(json.dumps({"next": None, "results": rows}).encode())
        for name, kind in (("abra", "psychic"), ("lapras", "ice")):
            answer = {"name": name, "types": [{"slot": 1, "type": {"name": kind}}], "sprites": {"front_default": f"/{name}"}}
            server.pages[f"/pokemon/{name}"] = Page(json.dumps(answer).encode())
        server.pages["/abra"] = Page((tmp_path / "x.png").read_bytes(), "image/png")
        server.faults["/lapras"] = [Fault(page=Page(b"<html>", "text/html"))]
        words = ("--base-url", server.url, "--out", str(tmp_path / "p"), "--limit", "5", "--rate", "1000")
        code, out, _ = run("pokemon", "--sprite", "front_default", *words)
    assert code == 0
    assert "1 fetched, 0 already there, 1 skipped: 1 x a web page instead of a picture (names in" in out
    assert "next: nada data import" in out and (tmp_path / "p/psychic/abra.png").is_file()


def test_cifar10_without_a_server_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    code, _, err = run("cifar10", "--base-url", "http://nowhere.invalid", "--out", str(tmp_path))
    assert code == 1 and err.startswith("nada: cannot download http://nowhere.invalid/cifar-10-python.tar.gz: no network")
    assert err.count("\n") == 1 and "put it at" in err


@pytest.mark.parametrize(
    "words", [("mnist",), ("pokemon", "--limit", "0"), ("pokemon", "--sprite", "x"), ("cifar10", "--base-url", "x")]
)
def test_a_wrong_word_costs_one_line(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*words)
    assert code == 2 and err.startswith("nada: ") and err.count("\n") == 1
