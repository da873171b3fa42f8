"""Pokémon from a PokéAPI of our own that has bad days."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from misbehaving_server import Fault, MisbehavingServer, Page, QuickClock, misbehaving_server
from PIL import Image

from nada.config.download import SPRITES as OFFERED
from nada.config.download import PokemonOptions
from nada.data.downloads import Tally, fetch_pokemon
from nada.data.downloads.collection import Collection
from nada.data.downloads.pokeapi import SPECIES, SPRITES
from nada.errors import NadaError, UsageError
from nada.web import Client, Patience

LIST = "/api/v2/pokemon?limit={}&offset={}"
HTML = Page(b"<!DOCTYPE html><html>sorry</html>", "text/html; charset=utf-8")
TYPES = [{"slot": 1, "type": {"name": "ice"}}]
ANIMALS = {"bulbasaur": ("grass", "poison"), "charmander": ("fire",), "mr-mime": ("psychic", "fairy"), "vulpix": ("ice",)}


def png(seed: int = 0, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def as_json(value: Any) -> Page:
    return Page(json.dumps(value).encode(), "application/json; charset=utf-8")


def art(number: int) -> str:
    return f"/art/{number}.png"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MisbehavingServer]:
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
    client = Client(Patience(attempts), interval=0.2, clock=QuickClock().clock())
    return fetch_pokemon(out, client, base_url=f"{server.url}/api/v2", **options)


def described(out: Path) -> dict[str, Any]:
    return json.loads((out / "dataset.json").read_text())


def pictures(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*") if path.suffix not in (".json", ".txt"))


def test_pictures_come_with_class_and_caption(server: MisbehavingServer, tmp_path: Path) -> None:
    assert fetch(server, tmp_path).summary() == "4 fetched, 0 already there, 0 skipped"
    assert described(tmp_path) == {
        "labels": [["fire/charmander.png", 0], ["grass/bulbasaur.png", 1], ["ice/vulpix.png", 2], ["psychic/mr-mime.png", 3]],
        "label_names": ["fire", "grass", "ice", "psychic"],
        "texts": [
            ["fire/charmander.png", "a sprite of charmander, a fire pokemon"],
            ["grass/bulbasaur.png", "a sprite of bulbasaur, a grass and poison pokemon"],
            ["ice/vulpix.png", "a sprite of vulpix, an ice pokemon"],
            ["psychic/mr-mime.png", "a sprite of mr mime, a psychic and fairy pokemon"],
        ],
        "source": {"name": "pokeapi", "sprite": "official-artwork"},
    }
    assert (tmp_path / "grass/bulbasaur.png").read_bytes() == png(1)
    assert not (tmp_path / "skipped.txt").exists()


def test_a_second_run_asks_for_the_list_alone(server: MisbehavingServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    before = (tmp_path / "dataset.json").read_bytes()
    server.seen.clear()
    assert fetch(server, tmp_path).summary() == "0 fetched, 4 already there, 0 skipped"
    assert server.paths == [LIST.format(200, 0)] and (tmp_path / "dataset.json").read_bytes() == before


def test_a_limit_stops_early_and_a_larger_one_goes_on(server: MisbehavingServer, tmp_path: Path) -> None:
    fetch(server, tmp_path, limit=1)
    assert described(tmp_path)["labels"] is None  # one class is none
    assert fetch(server, tmp_path, limit=3).summary() == "2 fetched, 1 already there, 0 skipped"
    assert len(described(tmp_path)["texts"]) == 3


def test_a_service_that_gives_more_than_asked_is_cut_short(server: MisbehavingServer, tmp_path: Path) -> None:
    server.pages[LIST.format(2, 0)] = server.pages[LIST.format(200, 0)]
    assert fetch(server, tmp_path, limit=2).fetched == 2


def test_a_removed_picture_is_fetched_again(server: MisbehavingServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    (tmp_path / "ice/vulpix.png").unlink()
    assert fetch(server, tmp_path).fetched == 1 and (tmp_path / "ice/vulpix.png").is_file()


def test_after_a_kill_only_the_captions_are_asked_for_again(server: MisbehavingServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    before = (tmp_path / "dataset.json").read_bytes()
    (tmp_path / "dataset.json").unlink()
    server.seen.clear()
    assert fetch(server, tmp_path).summary() == "0 fetched, 4 already there, 0 skipped"
    assert not [path for path in server.paths if path.startswith("/art")]
    assert (tmp_path / "dataset.json").read_bytes() == before


@pytest.mark.parametrize(
    "page, reason",
    [
        (HTML, "a web page instead of a picture"),
        (Page(HTML.content, "image/png"), "a web page instead of a picture"),
        (Page(HTML.content, None), "a web page instead of a picture"),
        (Page(png(), "application/json"), "application/json instead of a picture"),
        (Page(b"<svg xmlns='x'></svg>", "image/svg+xml"), "neither PNG nor JPEG, GIF or WebP"),
        (Page(b"", "image/png"), "neither PNG nor JPEG, GIF or WebP"),
        (Page(png()[:-30], "image/png"), "a damaged or far too large picture"),
        (Page(png()[:8] + b"?" * 300, "image/png"), "a damaged or far too large picture"),
        (None, "the server answers 404 Not Found"),
    ],
)
def test_what_is_no_picture_is_skipped_and_named(
    server: MisbehavingServer, tmp_path: Path, page: Page | None, reason: str
) -> None:
    server.pages.pop(art(2))
    if page:
        server.pages[art(2)] = page
    tally = fetch(server, tmp_path)
    assert tally.summary().startswith("3 fetched, 0 already there, 1 skipped: 1 x ") and reason in tally.summary()
    assert (tmp_path / "skipped.txt").read_text() == f"charmander\t{tally.skipped[0][1]}\n"
    assert not list(tmp_path.rglob("charmander*")) and len(described(tmp_path)["texts"]) == 3
    server.pages[art(2)] = Page(png(2), "image/png")
    assert fetch(server, tmp_path).summary() == "1 fetched, 3 already there, 0 skipped"
    assert not (tmp_path / "skipped.txt").exists()  # the old list would be a lie


@pytest.mark.parametrize("kind, suffix", [("JPEG", ".jpg"), ("GIF", ".gif"), ("WEBP", ".webp")])
def test_a_picture_is_named_by_what_it_is(server: MisbehavingServer, tmp_path: Path, kind: str, suffix: str) -> None:
    server.pages[art(2)] = Page(png(2, kind), "application/octet-stream")
    fetch(server, tmp_path)
    assert f"fire/charmander{suffix}" in pictures(tmp_path)


@pytest.mark.parametrize(
    "page, reason",
    [
        (HTML, "a web page instead of data"),
        (Page(b"{", "application/json"), "something that is not JSON"),
        (as_json({"name": "x", "types": [], "sprites": {}}), "something else than a pokémon"),
        (as_json({"name": "../../x", "types": TYPES, "sprites": {}}), "something else"),
        (as_json(["bulbasaur"]), "something else than a pokémon"),
        (as_json({"name": "x", "types": TYPES, "sprites": {"other": {"official-artwork": {"front_default": 5}}}}), "something"),
    ],
)
def test_what_is_no_pokemon_is_skipped(server: MisbehavingServer, tmp_path: Path, page: Page, reason: str) -> None:
    server.pages["/api/v2/pokemon/2/"] = page
    tally = fetch(server, tmp_path)
    assert (tally.fetched, [name for name, _ in tally.skipped]) == (3, ["charmander"]) and reason in tally.skipped[0][1]


def test_one_without_such_a_picture_is_skipped(server: MisbehavingServer, tmp_path: Path) -> None:
    assert fetch(server, tmp_path / "front", sprite="front_default").fetched == 4
    assert (tmp_path / "front/fire/charmander.png").read_bytes() == png(102)
    for sprite in ("back_default", "front_shiny", "home"):  # null, missing, and null on the way to it
        with pytest.raises(NadaError, match=f"no picture came of 4: 0 fetched.*4 x no {sprite} picture.*elsewhere"):
            fetch(server, tmp_path / sprite, sprite=sprite)
        assert not (tmp_path / sprite / "dataset.json").exists()


def test_bad_moments_of_the_server_pass(server: MisbehavingServer, tmp_path: Path) -> None:
    server.faults[LIST.format(200, 0)] = [Fault(500), Fault(429, {"Retry-After": "3"})]
    server.faults["/api/v2/pokemon/1/"] = [Fault(cut=20), Fault(503)]
    server.faults[art(2)] = [Fault(cut=50), Fault(cut=10, reset=True)]
    server.faults[art(3)] = [Fault(302, {"Location": art(3)})]
    assert fetch(server, tmp_path, attempts=3).fetched == 4


def test_a_picture_that_never_comes_whole_is_skipped(server: MisbehavingServer, tmp_path: Path) -> None:
    server.faults[art(2)] = [Fault(cut=50)] * 9
    tally = fetch(server, tmp_path)
    assert tally.fetched == 3 and "broke after 50 of" in tally.skipped[0][1] and not list(tmp_path.rglob("charmander*"))


def test_a_server_that_has_gone_is_not_asked_a_thousand_times(server: MisbehavingServer, tmp_path: Path) -> None:
    populate(server, {f"x{number}": ("ice", "fire")[number % 2 :] for number in range(9)})
    for number in range(4, 10):
        server.faults[art(number)] = [Fault(500)] * 9
    with pytest.raises(NadaError, match="gave up at x5 after 3 failures in a row .*3 pictures are there.*again later"):
        fetch(server, tmp_path, attempts=1)
    assert len(described(tmp_path)["texts"]) == 3 and len((tmp_path / "skipped.txt").read_text().splitlines()) == 3
    server.faults.clear()
    assert fetch(server, tmp_path).summary() == "6 fetched, 3 already there, 0 skipped"


def test_a_portal_that_answers_for_everybody_is_noticed(server: MisbehavingServer, tmp_path: Path) -> None:
    populate(server, {f"x{number}": ("ice",) for number in range(30)})
    server.pages.update({art(number): HTML for number in range(1, 31)})
    with pytest.raises(NadaError, match="gave up at x19 after 20 failures in a row .*web page"):
        fetch(server, tmp_path)


def test_what_stays_missing_among_many_is_no_reason_to_give_up(server: MisbehavingServer, tmp_path: Path) -> None:
    """A later run meets all failures in a row, as it does not ask for what is there."""
    populate(server, {f"x{number}": ("ice", "fire")[number % 2 :] for number in range(50)})
    server.pages.update({art(number): HTML for number in range(1, 51, 2)})
    assert fetch(server, tmp_path).summary() == "25 fetched, 0 already there, 25 skipped: 25 x a web page instead of a picture"
    assert fetch(server, tmp_path).summary() == "0 fetched, 25 already there, 25 skipped: 25 x a web page instead of a picture"


def test_long_lists_are_read_page_by_page(server: MisbehavingServer, tmp_path: Path) -> None:
    rows = [{"name": f"x{number}", "url": "/api/v2/pokemon/1/"} for number in range(250)]
    server.pages[LIST.format(200, 0)] = as_json({"next": "more", "results": rows[:200]})
    server.pages[LIST.format(40, 200)] = as_json({"next": "more", "results": rows[200:240]})
    told: list[int] = []

    def stop(items: list[Any], count: int) -> list[Any]:
        told.append(count)
        return items[:1]

    fetch(server, tmp_path, limit=240, progress=stop)
    assert told == [240]


@pytest.mark.parametrize("page", [HTML, as_json({"results": [{"name": "../x", "url": "/x"}]}), as_json({})])
def test_without_a_list_the_way_by_hand_is_told(server: MisbehavingServer, tmp_path: Path, page: Page) -> None:
    server.pages[LIST.format(200, 0)] = page
    with pytest.raises(NadaError, match="TYPE/NAME.png"):
        fetch(server, tmp_path)


def test_ctrl_c_leaves_only_whole_files_and_their_captions(server: MisbehavingServer, tmp_path: Path) -> None:
    def interrupted(items: list[Any], count: int) -> Iterator[Any]:
        yield from items[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path, progress=interrupted)
    assert pictures(tmp_path) == ["fire/charmander.png", "grass/bulbasaur.png"]
    assert len(described(tmp_path)["texts"]) == 2
    assert fetch(server, tmp_path).summary() == "2 fetched, 2 already there, 0 skipped"


def test_other_pictures_are_not_mixed_in(server: MisbehavingServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    with pytest.raises(UsageError, match="choose another --out"):
        fetch(server, tmp_path, sprite="front_default")
    (tmp_path / "dataset.json").write_text('{"labels": null}')
    with pytest.raises(NadaError, match="choose another --out"):
        fetch(server, tmp_path)


def test_captions_are_written_down_on_the_way(tmp_path: Path) -> None:
    collection = Collection(tmp_path, {"name": "mine"})
    for number in range(50):
        assert not (tmp_path / "dataset.json").exists()
        collection.add(f"x{number}", "ice", "an x", b"x", ".png")
    assert len(described(tmp_path)["texts"]) == 50


def test_requests_are_spread_over_time(server: MisbehavingServer, tmp_path: Path) -> None:
    clock = QuickClock()
    fetch_pokemon(tmp_path, Client(interval=0.2, clock=clock.clock()), base_url=f"{server.url}/api/v2")
    assert clock.slept == pytest.approx([0.2] * 8)  # nine requests


def test_the_options_offer_what_the_download_knows() -> None:
    assert OFFERED == tuple(SPRITES) and PokemonOptions().limit == SPECIES
