"""A PokéAPI of our own, as small as it may be, on a server that misbehaves on request."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from misbehaving_server import MisbehavingServer, Page, QuickClock, misbehaving_server
from PIL import Image

from nada.data.downloads import Tally, fetch_pokemon
from nada.web import Client, Patience

LIST = "/api/v2/pokemon?limit={}&offset={}"
HTML = Page(b"<!DOCTYPE html><html>sorry</html>", "text/html; charset=utf-8")
TYPES = [{"slot": 1, "type": {"name": "ice"}}]
ANIMALS = {"bulbasaur": ("grass", "poison"), "charmander": ("fire",), "mr-mime": ("psychic", "fairy"), "vulpix": ("ice",)}


def png(seed: int = 0, kind: str = "PNG") -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def as_json(value: Any) -> Page:
    """An answer of the service."""
    return Page(json.dumps(value).encode(), "application/json; charset=utf-8")


def art(number: int) -> str:
    """The path of a pokémon's artwork."""
    return f"/art/{number}.png"


@pytest.fixture(name="server")
def pokeapi(monkeypatch: pytest.MonkeyPatch) -> Iterator[MisbehavingServer]:
    """The service with four pokémon."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with misbehaving_server() as server:
        populate(server, ANIMALS)
        yield server


def populate(server: MisbehavingServer, animals: dict[str, tuple[str, ...]]) -> None:
    """A list as the service gives it, one page for each animal, and its picture."""
    rows = [{"name": name, "url": f"https://pokeapi.co/api/v2/pokemon/{n}/"} for n, name in enumerate(animals, 1)]
    for limit in (*range(1, len(rows) + 1), 200):
        server.pages[LIST.format(limit, 0)] = as_json({"count": len(rows), "next": None, "results": rows[:limit]})
    for number, (name, types) in enumerate(animals.items(), 1):
        slots = [{"slot": slot, "type": {"name": kind}} for slot, kind in enumerate(types, 1)]
        sprites = {
            "front_default": f"{server.url}/front/{number}.png",
            "back_default": None,
            "other": {"official-artwork": {"front_default": server.url + art(number)}, "home": None},
        }
        answer = {"id": number, "name": name, "types": slots[::-1], "sprites": sprites}
        server.pages[f"/api/v2/pokemon/{number}/"] = as_json(answer)
        server.pages[art(number)] = Page(png(number), "image/png")
        server.pages[f"/front/{number}.png"] = Page(png(number + 100), "image/png")


def fetch(server: MisbehavingServer, out: Path, attempts: int = 2, **options: Any) -> Tally:
    """Download without waiting."""
    client = Client(Patience(attempts), interval=0.2, clock=QuickClock().clock())
    return fetch_pokemon(out, client, base_url=f"{server.url}/api/v2", **options)


def described(out: Path) -> dict[str, Any]:
    """The captions and classes that a download has written down."""
    return json.loads((out / "dataset.json").read_text())


def pictures(out: Path) -> list[str]:
    """The files that a download has fetched."""
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*") if path.suffix not in (".json", ".txt"))
