"""The zip that the import writes, read by Python's zipfile."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from nada.data.stored_zip import Entry, StoredZip, after


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with open(path, "wb") as file:
        archive = StoredZip(file)
        for name, data in (("a/1.png", b"one"), ("ü.txt", "zwö".encode()), ("empty", b"")):
            archive.add(name, data)
        archive.finish()
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        assert {name: found.read(name) for name in found.namelist()} == {
            "a/1.png": b"one", "ü.txt": "zwö".encode(), "empty": b"",
        }  # fmt: skip
        assert {info.date_time for info in found.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert all(info.external_attr >> 16 == 0o100644 for info in found.infolist())


def test_going_on_forgets_what_is_behind_the_last_entry() -> None:
    file = io.BytesIO()
    archive = StoredZip(file)
    entries = [archive.add(name, name.encode() * 50) for name in "abc"]
    archive = StoredZip(file, entries[:2])
    archive.add("d", b"new")
    archive.finish()
    with zipfile.ZipFile(file) as found:
        assert found.namelist() == ["a", "b", "d"] and found.read("d") == b"new" and found.testzip() is None


def test_more_files_than_16_bits_can_count() -> None:
    file = io.BytesIO()
    archive = StoredZip(file)
    for number in range(70_000):
        archive.add(str(number), b"")
    archive.finish()
    with zipfile.ZipFile(file) as found:
        assert len(found.infolist()) == 70_000 and found.getinfo("69999").header_offset == after(archive.entries[-2])


def test_beyond_four_gigabytes(tmp_path: Path) -> None:
    """The first 5 GB are a hole in the file; they take no place on the disk."""
    path = tmp_path / "large.zip"
    with open(path, "wb") as file:
        file.truncate(5 << 30)
        archive = StoredZip(file, [Entry("hole", 0, (5 << 30) - 34, 0)])
        archive.entries.clear()  # no single file may be that large; only what comes after it matters here
        archive.add("a.png", b"far out")
        archive.finish()
    if path.stat().st_blocks * 512 > 1 << 30:
        pytest.skip("the file system here keeps no holes")
    with zipfile.ZipFile(path) as found:
        assert found.read("a.png") == b"far out"


def test_another_program_reads_it_too(tmp_path: Path) -> None:
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not on this machine")
    with open(tmp_path / "a.zip", "wb") as file:
        archive = StoredZip(file)
        archive.add("00000/img00000000.png", bytes(1000))
        archive.finish()
    done = subprocess.run(["unzip", "-t", str(tmp_path / "a.zip")], capture_output=True, text=True)
    assert done.returncode == 0 and "No errors" in done.stdout, done.stdout + done.stderr
