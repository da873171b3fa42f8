"""Writing is all or nothing, and failing to write is one sentence."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from nada import files
from nada.errors import NadaError


def failing(number: int) -> object:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(
    "number, words", [(errno.ENOSPC, "disk is full"), (errno.EACCES, "permission denied"), (errno.EROFS, "read-only")]
)
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, words: str
) -> None:
    path = tmp_path / "state.bin"
    files.write_bytes(path, b"old")
    monkeypatch.setattr(os, call, failing(number))
    with pytest.raises(NadaError, match=words) as caught:
        files.write_bytes(path, b"new")
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["state.bin"]


def test_folders_are_made_and_old_content_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "x.json"
    files.write_json(path, {"ä": [1, None]})
    files.write_json(path, {"ä": [2]})
    assert files.read_json(path) == {"ä": [2]} and "ä" in path.read_text(encoding="utf-8")


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NadaError, match="a part of the path is a file"):
        files.write_text(tmp_path / "file" / "deep" / "x.txt", "x")
    with pytest.raises(NadaError, match="in the way"):
        files.make_folder(tmp_path / "file")


def test_reading_what_is_not_there_or_not_json(tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="none.json"):
        files.read_json(tmp_path / "none.json")
    (tmp_path / "bad.json").write_bytes(b"\xff{")
    with pytest.raises(NadaError, match="not a JSON file"):
        files.read_json(tmp_path / "bad.json")
    with pytest.raises(NadaError, match="none.bin"):
        files.hash_file(tmp_path / "none.bin")


def test_hash_is_sha256_of_the_bytes(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "x").write_bytes(data)
    assert files.hash_file(tmp_path / "x") == hashlib.sha256(data).hexdigest()


def test_names_that_are_no_utf_8_can_be_written_and_read_again(tmp_path: Path) -> None:
    """Fails where the bytes of an old file name end a record with an error, or come back as another name."""
    name = "caf\udce9 \u00e9\\.png"
    path = files.write_json(tmp_path / "x.json", {name: [name]})
    assert files.read_json(path) == {name: [name]}
    assert files.write_text(tmp_path / "x.md", name).read_text(encoding="utf-8") == files.readable(name)
    assert files.readable(name) == "caf\\udce9 \u00e9\\.png"
