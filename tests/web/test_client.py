"""A client against a server that has bad days: what is tried again, how often, after how long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from misbehaving_server import Fault, MisbehavingServer, Page, QuickClock, misbehaving_server

from nada.errors import UsageError
from nada.web import Client, Patience, Refused, Unreachable

DATA = bytes(range(256)) * 40


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MisbehavingServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with misbehaving_server() as server:
        server.pages["/x"] = Page(DATA, "Image/PNG; charset=binary")
        yield server


def spoil(server: MisbehavingServer, *faults: Fault) -> None:
    server.faults["/x"] = list(faults)


def test_an_answer_has_its_bytes_and_its_type(server: MisbehavingServer) -> None:
    answer = Client().read(f"{server.url}/x")
    assert answer == (DATA, "image/png", f"{server.url}/x")
    assert server.seen[0][1]["User-Agent"].startswith("nada/")


@pytest.mark.parametrize(
    "fault",
    [
        *(Fault(status) for status in (408, 429, 500, 502, 503, 504)),
        Fault(cut=100),
        Fault(cut=0, reset=True),
        Fault(length=len(DATA) + 5),
        Fault(chunked=True, cut=1000),
    ],
    ids=str,
)
def test_what_passes_is_tried_again(server: MisbehavingServer, fault: Fault) -> None:
    spoil(server, fault, fault)
    assert Client(clock=QuickClock().clock()).read(f"{server.url}/x").data == DATA
    assert len(server.seen) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_what_does_not_pass_is_not_tried_again(server: MisbehavingServer, status: int) -> None:
    spoil(server, Fault(status))
    with pytest.raises(Refused, match=f"answers {status} ") as info:
        Client(clock=QuickClock().clock()).read(f"{server.url}/x")
    assert len(server.seen) == 1 and server.url not in info.value.reason


def test_waits_grow_twofold_and_vary_by_half(server: MisbehavingServer) -> None:
    for chance, first in ((0.0, 0.5), (0.999, 1.0)):
        clock = QuickClock()
        spoil(server, *[Fault(500)] * 9)
        with pytest.raises(Unreachable, match="500 Internal Server Error; try again later"):
            Client(Patience(5, pause=1.0, longest=6.0), clock=clock.clock(chance)).read(f"{server.url}/x")
        assert clock.slept == pytest.approx([first, 2 * first, 4 * first, 6 * first], rel=2e-3)


@pytest.mark.parametrize("asked", ["7", "Thu, 01 Jan 2026 00:00:07 GMT"])
def test_the_server_says_how_long_to_wait(server: MisbehavingServer, asked: str) -> None:
    clock, told = QuickClock(), []
    spoil(server, Fault(429, {"Retry-After": asked}))
    client = Client(clock=clock.clock(), on_wait=lambda reason, seconds: told.append((reason, seconds)))
    assert client.read(f"{server.url}/x").data == DATA
    assert clock.slept == [7.0]
    assert told == [(f"127.0.0.1:{server.server_port}: the server answers 429 Too Many Requests", 7.0)]


@pytest.mark.parametrize("asked", ["soon", "-5", "nan", "inf", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_wish_without_sense_does_not_shorten_the_wait(server: MisbehavingServer, asked: str) -> None:
    clock = QuickClock()
    spoil(server, Fault(503, {"Retry-After": asked}))
    Client(clock=clock.clock()).read(f"{server.url}/x")
    assert clock.slept == [0.75]


def test_a_server_that_wants_an_hour_is_left_alone(server: MisbehavingServer) -> None:
    clock = QuickClock()
    spoil(server, Fault(429, {"Retry-After": "3600"}))
    with pytest.raises(Unreachable, match="wait 3600 s; run the command again then"):
        Client(clock=clock.clock()).read(f"{server.url}/x")
    assert clock.slept == [] and len(server.seen) == 1


def test_requests_to_one_server_keep_their_distance(server: MisbehavingServer) -> None:
    clock = QuickClock()
    client = Client(interval=0.5, clock=clock.clock())
    for _ in range(3):
        client.read(f"{server.url}/x")
    assert clock.slept == [0.5, 0.5]
    clock.time += 10.0
    client.read(f"{server.url}/x")  # time has passed anyway: no wait, and no credit for later
    client.read(f"{server.url}/x")
    assert clock.slept == [0.5, 0.5, 0.5]
    client.read(f"{server.url.replace('127.0.0.1', 'localhost')}/x")  # another name counts as another server
    assert clock.slept == [0.5, 0.5, 0.5]


def test_a_server_that_drips_is_given_up(server: MisbehavingServer) -> None:
    spoil(server, *[Fault(drip=True)] * 2)
    with pytest.raises(Unreachable, match="hardly sends anything"):
        Client(Patience(2), clock=QuickClock(step=40.0).clock()).read(f"{server.url}/x")


def test_a_server_that_says_nothing_is_given_up(server: MisbehavingServer) -> None:
    spoil(server, Fault(silent=True))
    with pytest.raises(Unreachable, match="no connection|connection broke"):
        Client(Patience(1), timeout=0.02).read(f"{server.url}/x")


def test_a_server_that_always_breaks_at_the_same_place_is_given_up(server: MisbehavingServer) -> None:
    """Catches a megabyte that arrives anew each time, taken for progress without end."""
    server.pages["/x"].content = bytes(3 << 20)
    spoil(server, *(Fault(cut=(1 << 20) + 1) for _ in range(10)))
    with pytest.raises(Unreachable, match="broke after 1048577 of"):
        Client(Patience(3), clock=QuickClock().clock()).read(f"{server.url}/x")
    assert 3 <= len(server.seen) <= 4


def test_redirects_are_followed_but_not_for_ever(server: MisbehavingServer) -> None:
    server.faults["/old"] = [Fault(301, {"Location": "/x"})]
    answer = Client().read(f"{server.url}/old")
    assert answer.data == DATA and answer.url == f"{server.url}/x"
    server.faults["/round"] = [Fault(302, {"Location": "/round"})] * 30
    with pytest.raises(Refused, match="without end"):
        Client().read(f"{server.url}/round")


def test_a_redirect_to_a_file_is_not_followed(server: MisbehavingServer) -> None:
    server.faults["/old"] = [Fault(301, {"Location": "file:///etc/hostname"})]
    with pytest.raises(Refused):
        Client().read(f"{server.url}/old")


def test_too_much_is_refused_before_it_fills_the_memory(server: MisbehavingServer) -> None:
    server.pages["/x"].content = bytes(3 << 20)
    with pytest.raises(Refused, match="more than 1 MiB"):
        Client().read(f"{server.url}/x", limit=1 << 20)


def test_nobody_listening_is_tried_again_and_then_said(server: MisbehavingServer) -> None:
    server.stop()
    clock = QuickClock()
    with pytest.raises(Unreachable, match="no connection .*; try again later"):
        Client(Patience(3), clock=clock.clock()).read(f"{server.url}/x")
    assert len(clock.slept) == 2


def test_only_web_addresses_are_opened() -> None:
    for url in ("file:///etc/hostname", "ftp://x/y", "x.png", "http:///x"):
        with pytest.raises(UsageError, match="only http"):
            Client().read(url)


def test_an_address_that_makes_no_sense_is_not_tried_again() -> None:
    for url in ("http://127.0.0.1:port/", "http://[::1/x", "http://.example.com/x"):
        with pytest.raises(Refused, match="no address"):
            Client(clock=QuickClock().clock()).read(url)


def test_a_redirect_to_nonsense_is_refused(server: MisbehavingServer) -> None:
    """urllib raises a bare ValueError for it."""
    server.faults["/old"] = [Fault(302, {"Location": "http://[::1/x"})]
    with pytest.raises(Refused, match="no address"):
        Client(clock=QuickClock().clock()).read(f"{server.url}/old")


def test_signs_that_no_address_may_have_are_escaped(server: MisbehavingServer) -> None:
    server.pages["/flab%C3%A9b%C3%A9%20x"] = Page(DATA)
    assert Client().read(f"{server.url}/flabébé x").data == DATA


def test_the_proxy_of_the_environment_is_asked(server: MisbehavingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    server.pages["http://far.invalid/y"] = Page(DATA)
    assert Client().read("http://far.invalid/y").data == DATA
