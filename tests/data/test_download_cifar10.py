"""CIFAR-10's archive: fetched once, checked always."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from misbehaving_server import Fault, MisbehavingServer, Page, QuickClock, misbehaving_server

from nada.data.downloads import fetch_cifar10
from nada.data.downloads.cifar10 import ARCHIVE
from nada.errors import NadaError
from nada.web import Client, Patience

DATA = b"\x1f\x8b" + bytes(range(256)) * 1000
MD5 = hashlib.md5(DATA).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MisbehavingServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with misbehaving_server() as server:
        server.pages[f"/~kriz/{ARCHIVE}"] = Page(DATA, "application/x-gzip", etag='"a"')
        yield server


def fetch(server: MisbehavingServer, out: Path, attempts: int = 4) -> str:
    client = Client(Patience(attempts), clock=QuickClock().clock())
    path, tally = fetch_cifar10(out, client, f"{server.url}/~kriz/", MD5)
    assert path == out / ARCHIVE and path.read_bytes() == DATA
    return tally.summary()


def test_the_archive_is_fetched_once(server: MisbehavingServer, tmp_path: Path) -> None:
    assert fetch(server, tmp_path / "a") == "1 fetched, 0 already there, 0 skipped"
    assert fetch(server, tmp_path / "a") == "0 fetched, 1 already there, 0 skipped"
    assert len(server.seen) == 1 and list((tmp_path / "a").iterdir()) == [tmp_path / "a" / ARCHIVE]


def test_a_break_is_made_good_by_the_next_run(server: MisbehavingServer, tmp_path: Path) -> None:
    server.faults[f"/~kriz/{ARCHIVE}"] = [Fault(500), Fault(cut=100_000)]
    with pytest.raises(NadaError, match="100000 of 256002 bytes.*put it at"):
        fetch(server, tmp_path, attempts=2)
    assert not (tmp_path / ARCHIVE).exists()
    fetch(server, tmp_path)
    assert server.ranges[-1] == "bytes=100000-"


def test_a_wrong_archive_is_not_kept(server: MisbehavingServer, tmp_path: Path) -> None:
    server.pages[f"/~kriz/{ARCHIVE}"].content = DATA[:-1] + b"x"
    with pytest.raises(NadaError, match="md5 checksum"):
        fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_user_is_not_written_over(server: MisbehavingServer, tmp_path: Path) -> None:
    (tmp_path / ARCHIVE).write_bytes(b"mine")
    with pytest.raises(NadaError, match="is there, but its md5 checksum .* move it away"):
        fetch(server, tmp_path)
    assert (tmp_path / ARCHIVE).read_bytes() == b"mine" and not server.seen
