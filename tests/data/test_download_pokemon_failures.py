"""Pokémon from a PokéAPI of our own that has bad days: what is skipped, tried again, given up."""

from __future__ import annotations

from pathlib import Path

import pytest
from little_pokeapi import HTML, LIST, TYPES, art, as_json, described, fetch, pictures, png, populate
from little_pokeapi import pokeapi as pokeapi
from misbehaving_server import Fault, MisbehavingServer, Page

from nada.errors import NadaError


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
        (
            as_json({"name": "x", "types": TYPES, "sprites": {"other": {"official-artwork": {"front_default": 5}}}}),
            "something",
        ),
        (
            as_json(
                {"name": "x", "types": TYPES, "sprites": {"other": {"official-artwork": {"front_default": "ftp://x/y"}}}}
            ),
            "something",
        ),
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
    assert (
        fetch(server, tmp_path).summary() == "25 fetched, 0 already there, 25 skipped: 25 x a web page instead of a picture"
    )
    assert (
        fetch(server, tmp_path).summary() == "0 fetched, 25 already there, 25 skipped: 25 x a web page instead of a picture"
    )


@pytest.mark.parametrize("page", [HTML, as_json({"results": [{"name": "../x", "url": "/x"}]}), as_json({})])
def test_without_a_list_the_way_by_hand_is_told(server: MisbehavingServer, tmp_path: Path, page: Page) -> None:
    server.pages[LIST.format(200, 0)] = page
    with pytest.raises(NadaError, match="TYPE/NAME.png"):
        fetch(server, tmp_path)
