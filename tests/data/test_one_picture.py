"""One picture by its name, in a file or inside of data."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from nada.data.sources import open_source, read_picture
from nada.errors import NadaError
from nada.images import save_png
from nada.inversion import read_photo


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A zip with pictures that a glob pattern, or a look at their names alone, would take for one another."""
    names = "apple/1.png", "lemon/1.png", "apple/[1].png", "1.png", "über/ä b.png"
    with zipfile.ZipFile(tmp_path / "a b.zip", "w") as archive:
        for level, name in enumerate(names):
            archive.write(save_png(tmp_path / "one.png", np.full((8, 8, 3), 10 * level, np.uint8)), name)
    return tmp_path / "a b.zip"


def test_every_picture_of_a_zip_is_found_by_the_name_in_messages(data: Path) -> None:
    records = list(open_source(data).records)
    assert len(records) == 5 and all(read_picture(record.name) == record.data for record in records)


def test_a_photograph_may_lie_in_a_zip(data: Path) -> None:
    photo = read_photo(f"{data}:lemon/1.png", 8)
    assert torch.allclose(photo, torch.full((1, 3, 8, 8), 10 / 127.5 - 1), atol=1e-6)


def test_a_file_with_a_colon_is_a_file(data: Path) -> None:
    there = data.with_name("a b.zip:apple")
    there.write_bytes(b"mine")
    assert read_picture(there) == b"mine"


@pytest.mark.parametrize(
    ("name", "words"),
    [("a b.zip:pear.png", "no picture pear.png in .*a b.zip"), ("b.zip:pear.png", "cannot read"), ("one.png:x", "not data")],
)
def test_what_is_not_there_is_named(data: Path, name: str, words: str) -> None:
    with pytest.raises(NadaError, match=words):
        read_picture(data.with_name(name))
