"""Large files from a server of our own: cut, resumed, refused, wrong."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from misbehaving_server import Fault, MisbehavingServer, Page, QuickClock, misbehaving_server

from nada.checkpoints.registry import KNOWN, KnownGenerator, cached, fetch
from nada.errors import NadaError, UsageError
from nada.files import cache_folder, write_json
from nada.web import Client, Patience, save_file

DATA = b"\x80\x04" + random.Random(0).randbytes(300_000)
MD5, SHA256 = hashlib.md5(DATA).hexdigest(), hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MisbehavingServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with misbehaving_server() as server:
        server.pages["/x.pkl"] = Page(DATA, etag='"one"')
        yield server


def get(server: MisbehavingServer, target: Path, checksum: str = "", attempts: int = 4) -> Path:
    client = Client(Patience(attempts), clock=QuickClock().clock())
    return save_file(f"{server.url}/x.pkl", target, checksum, client=client)


def spoil(server: MisbehavingServer, *faults: Fault) -> None:
    server.faults["/x.pkl"] = list(faults)


@pytest.mark.parametrize("checksum", ["", f"md5:{MD5}", f"sha256:{SHA256.upper()}"])
def test_a_download_is_whole_and_leaves_nothing_behind(server: MisbehavingServer, tmp_path: Path, checksum: str) -> None:
    target = get(server, tmp_path / "a" / "x.pkl", checksum)
    assert target.read_bytes() == DATA and list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("reset", [False, True])
def test_a_broken_connection_goes_on_where_it_stopped(server: MisbehavingServer, tmp_path: Path, reset: bool) -> None:
    spoil(server, Fault(cut=100_000, reset=reset))
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA
    assert len(server.seen) == 2
    if not reset:  # a reset may lose what was under way
        assert server.ranges == [None, "bytes=100000-"]


def test_a_connection_that_breaks_twice_goes_on_twice(server: MisbehavingServer, tmp_path: Path) -> None:
    spoil(server, Fault(cut=100_000), Fault(cut=50_000))
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_goes_on_too(server: MisbehavingServer, tmp_path: Path) -> None:
    spoil(server, Fault(cut=100_000))
    with pytest.raises(NadaError, match="100000 of 300002 bytes"):
        get(server, tmp_path / "x.pkl", attempts=1)
    assert (tmp_path / "x.pkl.part").exists() and not (tmp_path / "x.pkl").exists()
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA
    assert server.ranges == [None, "bytes=100000-"]


def test_progress_makes_patience_start_again(server: MisbehavingServer, tmp_path: Path) -> None:
    """Without that a slow line never brings a file of many megabytes home."""
    server.pages["/x.pkl"].content = content = random.Random(1).randbytes(4_000_000)
    spoil(server, *(Fault(cut=1_100_000) for _ in range(3)))
    assert get(server, tmp_path / "x.pkl", attempts=2).read_bytes() == content


def test_a_server_that_ignores_ranges_is_read_from_the_start(server: MisbehavingServer, tmp_path: Path) -> None:
    spoil(server, Fault(cut=100_000))
    server.pages["/x.pkl"].ranges = False
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA
    assert server.ranges == [None, "bytes=100000-"]


@pytest.mark.parametrize(
    "content, etag",
    [(b"\x80" * 200_000, '"two"'), (DATA[::-1], '"two"'), (b"\x80" * 400_000, ""), (DATA[:1000], '"two"')],
)
def test_a_file_that_changed_in_between_is_not_mixed(
    server: MisbehavingServer, tmp_path: Path, content: bytes, etag: str
) -> None:
    server.pages["/x.pkl"].etag = '"one"' if etag else ""
    spoil(server, Fault(cut=250_000))
    with pytest.raises(NadaError):
        get(server, tmp_path / "x.pkl", attempts=1)
    server.pages["/x.pkl"] = Page(content, etag=etag)
    assert get(server, tmp_path / "x.pkl").read_bytes() == content


def test_a_weak_name_of_a_version_is_not_relied_on(server: MisbehavingServer, tmp_path: Path) -> None:
    """Servers never go on for a weak one: RFC 9110, 13.1.5."""
    server.pages["/x.pkl"].etag = 'W/"one"'
    spoil(server, Fault(cut=100_000))
    assert get(server, tmp_path / "x.pkl", f"md5:{MD5}").read_bytes() == DATA
    assert server.ranges[1] == "bytes=100000-" and "If-Range" not in server.seen[1][1]


def test_notes_of_a_new_file_never_stand_beside_bytes_of_the_old_one(
    server: MisbehavingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill between the two, the next call would append one version to the other."""
    spoil(server, Fault(cut=100_000))
    with pytest.raises(NadaError):
        get(server, tmp_path / "x.pkl", attempts=1)
    server.pages["/x.pkl"] = Page(DATA[::-1], etag='"two"')

    def killed(path: Path, value: Any) -> None:
        write_json(path, value)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("nada.web.transfer.write_json", killed)
        get(server, tmp_path / "x.pkl")
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA[::-1]


def test_a_part_that_is_whole_is_only_renamed(server: MisbehavingServer, tmp_path: Path) -> None:
    """As after a kill while the checksum was taken."""
    (tmp_path / "x.pkl.part").write_bytes(DATA)
    (tmp_path / "x.pkl.part.json").write_text(json.dumps({"validator": "", "size": len(DATA)}))
    assert get(server, tmp_path / "x.pkl", f"md5:{MD5}").read_bytes() == DATA
    assert not server.seen and list(tmp_path.iterdir()) == [tmp_path / "x.pkl"]


def test_a_part_longer_than_the_file_is_thrown_away(server: MisbehavingServer, tmp_path: Path) -> None:
    server.pages["/x.pkl"].etag = ""
    spoil(server, Fault(cut=250_000))
    with pytest.raises(NadaError):
        get(server, tmp_path / "x.pkl", attempts=1)
    server.pages["/x.pkl"].content = DATA[:1000]
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA[:1000]


def test_a_cut_answer_of_unknown_length_is_not_taken_for_whole(server: MisbehavingServer, tmp_path: Path) -> None:
    spoil(server, Fault(chunked=True, cut=100_000))
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA
    assert len(server.seen) == 2


def test_a_file_in_chunks_is_read_to_its_end(server: MisbehavingServer, tmp_path: Path) -> None:
    spoil(server, Fault(chunked=True))
    assert get(server, tmp_path / "x.pkl").read_bytes() == DATA
    assert len(server.seen) == 1


@pytest.mark.parametrize("length", [1000, 400_000])
def test_a_wrong_length_is_found_by_the_checksum_or_by_the_end(
    server: MisbehavingServer, tmp_path: Path, length: int
) -> None:
    spoil(server, Fault(length=length), Fault(length=length))
    with pytest.raises(NadaError, match="checksum|300002 of 400000 bytes"):
        get(server, tmp_path / "x.pkl", f"md5:{MD5}", attempts=1)
    assert not (tmp_path / "x.pkl").exists()


def test_a_wrong_checksum_leaves_no_file(server: MisbehavingServer, tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="md5 checksum is .* not 0000"):
        get(server, tmp_path / "x.pkl", f"md5:{'0' * 32}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "page",
    [
        Page(b"<!DOCTYPE html><html>please log in</html>"),
        Page(b" <html>please log in</html>", None),
        Page(b"please log in", "text/html; charset=utf-8"),
        Page(b""),
    ],
)
def test_a_web_page_is_refused(server: MisbehavingServer, tmp_path: Path, page: Page) -> None:
    server.pages["/x.pkl"] = page
    with pytest.raises(NadaError, match="web page"):
        get(server, tmp_path / "x.pkl")
    assert list(tmp_path.iterdir()) == [] and len(server.seen) == 1


def test_only_one_process_writes_to_a_part(server: MisbehavingServer, tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl", reason="this system has no flock")
    with open(tmp_path / ".x.pkl.part.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(NadaError, match="another process is downloading x.pkl"):
            get(server, tmp_path / "x.pkl")
    assert not server.seen


def test_a_full_disk_is_named(server: MisbehavingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nada.web.transfer._copy", full)
    with pytest.raises(NadaError, match="disk is full"):
        get(server, tmp_path / "x.pkl")


def test_offline_is_one_sentence_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    entry = KnownGenerator("mine", "http://nowhere.invalid/x.pkl", 8, "nothing")
    with pytest.raises(NadaError, match="no network, or no such server") as info:
        fetch(entry, tmp_path)
    assert "--generator FILE" in str(info.value) and "\n" not in str(info.value)


def test_fetching_a_generator_twice_asks_once(server: MisbehavingServer, tmp_path: Path) -> None:
    entry = KnownGenerator("mine", f"{server.url}/x.pkl", 8, "noise", sha256=SHA256)
    first, second = fetch(entry, tmp_path), fetch(entry, tmp_path)
    assert first == second and first.read_bytes() == DATA and len(server.seen) == 1


def test_a_generator_with_a_wrong_checksum_is_not_kept(server: MisbehavingServer, tmp_path: Path) -> None:
    entry = KnownGenerator("mine", f"{server.url}/x.pkl", 8, "noise", sha256="0" * 64)
    with pytest.raises(NadaError, match="sha256 checksum"):
        fetch(entry, tmp_path)
    assert not list((tmp_path / "generators").iterdir())


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
