"""A server on this machine that answers as badly as a test asks it to."""

from __future__ import annotations

import http.server
import re
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nada.web import Clock


@dataclass
class Page:
    """What stands at an address. `kind` None sends no content type, `etag` "" names no version."""

    content: bytes
    kind: str | None = "application/octet-stream"
    etag: str = ""
    ranges: bool = True


@dataclass
class Fault:
    """What goes wrong with one answer; what is left at its default is as it should be."""

    status: int = 0  # this error instead of the page
    headers: dict[str, str] = field(default_factory=dict)
    page: Page | None = None  # instead of the right one
    cut: int | None = None  # bytes after which the connection ends
    reset: bool = False  # ... and how: with a reset, not in an orderly way
    length: int | None = None  # the length announced
    chunked: bool = False
    drip: bool = False  # byte by byte
    silent: bool = False  # no answer at all


class MisbehavingServer(http.server.ThreadingHTTPServer):
    """Serves `pages` by path (a query included); each request uses up the first of the path's `faults`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.pages: dict[str, Page] = {}
        self.faults: defaultdict[str, list[Fault]] = defaultdict(list)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [path for path, _ in self.seen]

    @property
    def ranges(self) -> list[str | None]:
        """The ranges that were asked for, in order; None for a whole file."""
        return [headers.get("Range") for _, headers in self.seen]

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is what some tests are about."""

    def stop(self) -> None:
        """Let go of silent connections, and of the port."""
        self.over.set()
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: MisbehavingServer

    def do_GET(self) -> None:
        server = self.server
        server.seen.append((self.path, dict(self.headers)))
        faults = server.faults[self.path]
        fault = faults.pop(0) if faults else Fault()
        page = fault.page or server.pages.get(self.path)
        if fault.silent:
            server.over.wait(10)
        elif fault.status:
            self._send(fault.status, Page(b"something went wrong", "text/plain"), fault, 0)
        elif page is None:
            self._send(404, Page(b"<html>no such page</html>", "text/html"), fault, 0)
        else:
            self._answer(page, fault)

    def _answer(self, page: Page, fault: Fault) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and page.ranges else 0
        if self.headers.get("If-Range", page.etag) != page.etag:
            start = 0
        if start and start >= len(page.content):
            self._send(416, Page(b""), fault, 0)
        else:
            self._send(206 if start else 200, page, fault, start)

    def _send(self, status: int, page: Page, fault: Fault, start: int) -> None:
        body = page.content[start:]
        headers = {"Content-Type": page.kind, "ETag": page.etag or None}
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{len(page.content) - 1}/{len(page.content)}"
        if fault.chunked:
            headers["Transfer-Encoding"] = "chunked"
            self.protocol_version = "HTTP/1.1"
        else:
            headers["Content-Length"] = str(len(body) if fault.length is None else fault.length)
        self.send_response(status)
        for key, value in {**headers, **fault.headers}.items():
            if value is not None:
                self.send_header(key, value)
        self.end_headers()
        if fault.chunked:
            end = b"0\r\n\r\n" if fault.cut is None else b""
            body = b"%x\r\n%s\r\n%s" % (len(body), body[: fault.cut], end)
        self._write(body[: fault.cut] if not fault.chunked else body[: (fault.cut or len(body)) + 8], fault)

    def _write(self, body: bytes, fault: Fault) -> None:
        self.close_connection = True
        if fault.drip:
            for byte in body:
                self.wfile.write(bytes([byte]))
        else:
            self.wfile.write(body)
        if fault.reset:  # lingering for no time at all makes the system say RST instead of FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *_: Any) -> None:
        """Keep the test output quiet."""


@contextmanager
def misbehaving_server() -> Iterator[MisbehavingServer]:
    """A running server on a free port of this machine."""
    server = MisbehavingServer()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True).start()
    try:
        yield server
    finally:
        server.stop()


class QuickClock:
    """Time that passes only where somebody sleeps, and `step` seconds whenever somebody looks."""

    def __init__(self, step: float = 0.0) -> None:
        self.time, self.step, self.slept = 0.0, step, []

    def now(self) -> float:
        """Seconds since the start."""
        self.time += self.step
        return self.time

    def sleep(self, seconds: float) -> None:
        """Note the wish, and let the time pass at once."""
        self.slept.append(seconds)
        self.time += seconds

    def clock(self, chance: float = 0.5) -> Clock:
        """What a client takes; the date is 2026-01-01 00:00:00 GMT."""
        return Clock(self.now, self.sleep, lambda: 1767225600.0, lambda: chance)
