"""Downloads against a server of our own: cut, resumed, refused, wrong."""

from __future__ import annotations

import hashlib
import http.server
import random
import threading
from pathlib import Path
from typing import Any, Iterator

import pytest

from nada.checkpoints.download import download
from nada.checkpoints.registry import KNOWN, KnownGenerator, cached, fetch
from nada.errors import NadaError, UsageError
from nada.files import cache_folder

DATA = b"\x80\x04" + random.Random(0).randbytes(300_000)


class Server(http.server.ThreadingHTTPServer):
    """Serves DATA; what goes wrong is set by the test."""

    content = DATA
    status: list[int] = []  # answers before the good one
    cut: list[int] = []  # bytes after which the connection breaks, one per answer
    ranges, etag, kind = True, '"one"', "application/octet-stream"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}/model.pkl"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.seen.append(asked)
        if server.status:
            self.send_error(server.status.pop(0))
            return
        start = int(asked[6:-1]) if asked and server.ranges else 0
        if self.headers.get("If-Range", server.etag) != server.etag:
            start = 0
        if start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", server.kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", server.etag)
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}"
            )
        self.end_headers()
        self.wfile.write(body[: server.cut.pop(0)] if server.cut else body)

    def log_message(self, *_: Any) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.status, server.cut = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def get(server: Server, target: Path, **options: Any) -> Path:
    return download(server.url, target, **{"pause": 0.0, **options})


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_download_is_whole_and_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    target = get(server, tmp_path / "a" / "x.pkl", sha256=hashlib.sha256(DATA).hexdigest())
    assert target.read_bytes() == DATA and left(target.parent) == ["x.pkl"]


def test_a_broken_connection_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.cut = [100_000, 50_000]
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA
    assert server.seen == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_goes_on_too(server: Server, tmp_path: Path) -> None:
    server.cut = [100_000]
    with pytest.raises(NadaError, match="100000 of 300002 bytes"):
        get(server, tmp_path / "x.pkl", attempts=1)
    assert "x.pkl.part" in left(tmp_path) and not (tmp_path / "x.pkl").exists()
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA
    assert server.seen == [None, "bytes=100000-"]


def test_a_server_that_ignores_ranges_is_read_from_the_start(server: Server, tmp_path: Path) -> None:
    server.cut, server.ranges = [100_000], False
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA
    assert server.seen == [None, "bytes=100000-"]


def test_a_file_that_changed_in_between_is_not_mixed(server: Server, tmp_path: Path) -> None:
    server.cut = [100_000]
    with pytest.raises(NadaError):
        get(server, tmp_path / "x.pkl", attempts=1)
    server.etag, server.content = '"two"', b"\x80" * 200_000
    assert get(server, tmp_path / "x.pkl").read_bytes() == b"\x80" * 200_000


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.cut = [250_000]
    with pytest.raises(NadaError):
        get(server, tmp_path / "x.pkl", attempts=1)
    server.content = DATA[:1000]
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA[:1000]


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.status = [500, 503]
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA
    assert len(server.seen) == 3


def test_a_missing_file_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    server.status = [404, 404, 404]
    with pytest.raises(NadaError, match="404"):
        get(server, tmp_path / "x.pkl")
    assert len(server.seen) == 1


def test_a_wrong_checksum_leaves_no_file(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="checksum"):
        get(server, tmp_path / "x.pkl", sha256="0" * 64)
    assert left(tmp_path) == []


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_is_refused(server: Server, tmp_path: Path, kind: str) -> None:
    server.kind, server.content = kind, b"<!DOCTYPE html><html>please log in</html>"
    with pytest.raises(NadaError, match="web page"):
        get(server, tmp_path / "x.pkl")
    assert left(tmp_path) == []


def test_offline_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    entry = KnownGenerator("mine", "http://nowhere.invalid/x.pkl", 8, "nothing")
    with pytest.raises(NadaError, match="no network, or no such server") as info:
        fetch(entry, tmp_path)
    assert "--generator FILE" in str(info.value) and "\n" not in str(info.value)


def test_nobody_listening_is_tried_again_and_then_said(server: Server, tmp_path: Path) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(NadaError, match="try again later"):
        get(server, tmp_path / "x.pkl", attempts=2)


def test_only_web_addresses_are_opened(tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="only http"):
        download("file:///etc/hostname", tmp_path / "x.pkl")


def test_a_full_disk_is_named(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nada.checkpoints.download._copy", full)
    with pytest.raises(NadaError, match="disk is full"):
        get(server, tmp_path / "x.pkl")


def test_fetching_twice_asks_once(server: Server, tmp_path: Path) -> None:
    entry = KnownGenerator("mine", server.url, 8, "noise", sha256=hashlib.sha256(DATA).hexdigest())
    first, second = fetch(entry, tmp_path), fetch(entry, tmp_path)
    assert first == second and first.read_bytes() == DATA and len(server.seen) == 1


def test_the_cache_is_where_the_user_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NADA_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    with pytest.raises(NadaError, match="nada models fetch ffhq"):
        cached("ffhq")
    with pytest.raises(UsageError, match="nada models list"):
        fetch("unheard-of")


def test_every_known_generator_is_complete() -> None:
    for name, entry in KNOWN.items():
        assert entry.name == name and entry.url.startswith("https://") and entry.url.endswith(".pkl")
        assert entry.resolution in (32, 256, 512, 1024) and entry.shows and "License" in entry.licence
    assert len({entry.url for entry in KNOWN.values()}) == len(KNOWN)
