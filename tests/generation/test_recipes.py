"""Settings in picture files: they come back as they were, and files of strangers do no harm."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from nada.errors import NadaError
from nada.generation.keeping import KEY, read_search, read_settings, save_picture
from nada.generation.recipe import Recipe, StyleMix, decode_offset, encode_offset
from nada.images import encode_png, save_png

PIXELS = np.zeros((4, 4, 3), np.uint8)
OFFSET = encode_offset(np.array([0.25, -3.0], np.float32))
FULL = Recipe(
    "runs/00000-ünder", "a" * 64, 4, "Apfel", 0.5, 0.7, 3, "condition", "random", "bf16", StyleMix(9, None, (1, 2)), OFFSET
)
GOOD = FULL.to_dict()


@pytest.mark.parametrize("recipe", [FULL, Recipe("demo", "0" * 64, 0)])
def test_a_recipe_comes_back_from_its_file(tmp_path: Path, recipe: Recipe) -> None:
    save_picture(tmp_path / "x.png", PIXELS, recipe, {"made_by": {}})
    assert read_settings(tmp_path / "x.png")[0] == recipe
    assert decode_offset(OFFSET).tolist() == [0.25, -3.0]


def write(path: Path, value: object) -> Path:
    return save_png(path, PIXELS, {KEY: value if isinstance(value, str) else json.dumps(value)})


@pytest.mark.parametrize(
    "change",
    [
        {"seed": -1},
        {"seed": 1.5},
        {"seed": True},
        {"seed": None},
        {"seed": 2**32},
        {"seed": "4"},
        {"format": 2},
        {"format": None},
        {"model": ""},
        {"model": 7},
        {"model": "x" * 2000},
        {"model": "a\0b"},
        {"sha256": "ab"},
        {"condition": ["apple"]},
        {"strength": "0.5"},
        {"strength": 1e300},
        {"truncation": float("nan")},
        {"truncation": float("inf")},
        {"truncation_cutoff": -1},
        {"truncation_cutoff": 10**9},
        {"truncation_centre": "left"},
        {"noise": {}},
        {"precision": "fp8"},
        {"mix": []},
        {"mix": {"seed": 1}},
        {"mix": {"seed": 1, "layers": [-1]}},
        {"mix": {"seed": 1, "layers": ["0"]}},
        {"mix": {"seed": 1, "layers": list(range(99))}},
        {"offset": "!!!"},
        {"offset": "AAA="},
        {"offset": "AADAfw=="},
        {"offset": 3},
    ],
    ids=str,
)
def test_values_that_cannot_be_are_refused_by_name_of_the_file(tmp_path: Path, change: dict) -> None:
    """Fails where a value goes on unchecked into NumPy's seeds, an index, or the size of an allocation."""
    path = write(tmp_path / "strange.png", {**GOOD, **change})
    with pytest.raises(NadaError, match="strange.png cannot be made again") as caught:
        read_settings(path)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", "[" * 100_000, '{"format": ' + "9" * 10_000 + "}", "\ud7ff"])
def test_texts_that_are_no_settings(tmp_path: Path, text: str) -> None:
    with pytest.raises(NadaError, match="strange.png"):
        read_settings(write(tmp_path / "strange.png", text))


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def test_a_text_that_unpacks_to_gigabytes_stays_packed(tmp_path: Path) -> None:
    """Fails where a compressed text is unpacked without a bound."""
    png = encode_png(PIXELS)
    bomb = b"nada\0\1\0\0\0" + zlib.compress(b" " * (64 << 20), 9)
    (tmp_path / "bomb.png").write_bytes(png[:33] + chunk(b"iTXt", bomb) + png[33:])
    with pytest.raises(NadaError, match="bomb.png"):
        read_settings(tmp_path / "bomb.png")


def test_files_that_are_no_pictures_or_cut_short(tmp_path: Path) -> None:
    whole = save_picture(tmp_path / "x.png", PIXELS, FULL).read_bytes()
    for length in (0, 7, 20, 40, 90, 200):
        (tmp_path / "x.png").write_bytes(whole[:length])
        with pytest.raises(NadaError, match="x.png"):
            read_settings(tmp_path / "x.png")
    for missing in (tmp_path / "nowhere.png", tmp_path):
        with pytest.raises(NadaError, match="cannot read"):
            read_settings(missing)


def test_of_a_search_only_short_words_and_numbers_are_taken_over() -> None:
    assert read_search({"prompt": "red", "score": 0.5, "source": None}) == {"prompt": "red", "score": 0.5, "source": None}
    assert read_search({"prompt": ["red"]}) == read_search({"a": "x" * 5000}) == read_search([1]) == read_search(None) == {}
