"""Pokémon from a PokéAPI of our own: what is written, and what a second run asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from little_pokeapi import LIST, as_json, described, fetch, pictures, png
from little_pokeapi import pokeapi as pokeapi
from misbehaving_server import MisbehavingServer, QuickClock

from nada.config.download import SPRITES as OFFERED
from nada.config.download import PokemonOptions
from nada.data import load_dataset
from nada.data.downloads import fetch_pokemon
from nada.data.downloads.collection import Collection
from nada.data.downloads.pokeapi import SPECIES, SPRITES
from nada.errors import NadaError, UsageError
from nada.web import Client


def test_pictures_come_with_class_and_caption(server: MisbehavingServer, tmp_path: Path) -> None:
    assert fetch(server, tmp_path).summary() == "4 fetched, 0 already there, 0 skipped"
    assert described(tmp_path) == {
        "labels": [
            ["fire/charmander.png", 0],
            ["grass/bulbasaur.png", 1],
            ["ice/vulpix.png", 2],
            ["psychic/mr-mime.png", 3],
        ],
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


def test_the_folder_is_a_data_set(server: MisbehavingServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    dataset = load_dataset(tmp_path, 8)
    assert [dataset.class_names[number] for number in dataset.labels] == ["fire", "grass", "ice", "psychic"]
    assert dataset.texts[1] == "a sprite of bulbasaur, a grass and poison pokemon" and not dataset.skipped


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
