"""A client that asks servers politely: not too often, again when they are busy, never without end."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from nada import __version__
from nada.errors import UsageError
from nada.web.patience import Clock, Pace, Patience, retry_after
from nada.web.problems import Interrupted, OutOfRange, Refused, Unreachable

CHUNK = 1 << 18
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_PROGRESS = 1 << 20  # bytes further than before, from which on a broken connection is the first failure again
_WINDOW, _SLOWEST = 60.0, 512  # a server that sends fewer bytes a second for a minute is as good as dead
_AGENT = f"nada/{__version__} (image generator training; one request at a time, results are kept)"

Result = TypeVar("Result")
Notice = Callable[[str, float], None]


class Answer(NamedTuple):
    """A whole answer: its bytes, the content type as the server calls it ("" if it does not), the last address."""

    data: bytes
    kind: str
    url: str


class Client:
    """Opens addresses over http and https, by way of the proxies that the environment names.

    Args:
        patience: how often to try, and how long to wait in between.
        interval: seconds at least between two requests to the same server.
        timeout: seconds of silence after which a connection counts as broken.
        clock: where time and chance come from.
        on_wait: called with the reason and the seconds before a wait that is longer than two seconds.
    """

    def __init__(
        self,
        patience: Patience | None = None,
        interval: float = 0.0,
        timeout: float = 30.0,
        clock: Clock | None = None,
        on_wait: Notice | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self.clock = clock or Clock()
        self._pace = Pace(interval, self.clock)
        self._timeout = timeout
        self._on_wait = on_wait
        self._opener = urllib.request.build_opener()  # urlopen's own remembers the proxies of its first use

    def read(self, url: str, limit: int = 32 << 20) -> Answer:
        """Read a whole answer into memory. Raises Refused, also for more than `limit` bytes, and Unreachable."""
        return self.persist(url, lambda: self._read(url, limit))

    def persist(self, url: str, work: Callable[[], Result]) -> Result:
        """Do `work` until it succeeds, with longer and longer pauses. Raises Unreachable when patience ends."""
        failures = reached = 0
        while True:
            try:
                return work()
            except Interrupted as error:
                if error.reached >= reached + _PROGRESS:
                    failures, reached = 0, error.reached
                failures += 1
                if failures >= self.patience.attempts:
                    raise Unreachable(url, str(error), "try again later") from error
                self._pause(url, error, failures)

    def _pause(self, url: str, error: Interrupted, failures: int) -> None:
        if error.wait is not None and error.wait > self.patience.longest:
            raise Unreachable(url, f"{error} and asks to wait {error.wait:.0f} s", "run the command again then") from error
        seconds = max(self.patience.delay(failures, self.clock.chance()), error.wait or 0.0)
        if self._on_wait and seconds > 2:
            self._on_wait(f"{urllib.parse.urlsplit(url).netloc}: {error}", seconds)
        self.clock.sleep(seconds)

    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """Send one request. Raises Interrupted for what may pass, Refused and Unreachable for what will not."""
        address = checked(url)
        headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity", **(headers or {})}
        try:
            request = urllib.request.Request(address, headers=headers)
            self._pace.wait(url)
            return self._opener.open(request, timeout=self._timeout)
        except urllib.error.HTTPError as error:
            raise self._status(url, error) from error
        except urllib.error.URLError as error:
            raise _no_connection(url, error.reason) from error
        except (http.client.InvalidURL, ValueError) as error:  # the latter also where a server sends us
            raise Refused(url, "this is no address that can be asked for") from error
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(f"the connection broke ({type(error).__name__})") from error

    def _status(self, url: str, error: urllib.error.HTTPError) -> Exception:
        error.close()
        if error.code == 416:
            return OutOfRange("the file has changed on the server")
        if error.code in _PASSING:
            return Interrupted(f"the server answers {_named(error)}", retry_after(error.headers, self.clock))
        if 300 <= error.code < 400:
            return Refused(url, "the server sends from one address to the next without end, or to one that is not http")
        return Refused(url, f"the server answers {_named(error)}")

    def _read(self, url: str, limit: int) -> Answer:
        with self.open(url) as response:
            data = bytearray()
            for chunk in self.chunks(response):
                data += chunk
                if len(data) > limit:
                    raise Refused(url, f"the answer has more than {limit >> 20} MiB")
            return Answer(bytes(data), content_type(response), response.url)

    def chunks(self, response: Any, start: int = 0) -> Iterator[bytes]:
        """Yield an answer's bytes; `start` of the file were there before.

        Raises Interrupted where the answer ends early, as far as the server has told its length, or hardly moves.
        """
        size, done = response.length, 0
        since, before = self.clock.now(), 0
        while size is None or done < size:
            chunk = _some(response, CHUNK if size is None else min(CHUNK, size - done), start + done)
            if not chunk:
                break
            yield chunk
            done += len(chunk)
            if self.clock.now() - since >= _WINDOW:
                if done - before < _WINDOW * _SLOWEST:
                    raise Interrupted("the server hardly sends anything", None, start + done)
                since, before = self.clock.now(), done
        if size is not None and done < size:
            raise Interrupted(f"the connection broke after {start + done} of {start + size} bytes", None, start + done)


def checked(url: str) -> str:
    """Return the address with signs escaped that no address may have. Raises UsageError unless it is a web address."""
    if not re.match(r"https?://[^/]", url):
        raise UsageError(f"cannot download {url}: only http and https addresses are supported.")
    return urllib.parse.quote(url, safe="%/:=&?~#+!$,;'@()*[]")


def content_type(response: Any) -> str:
    """The media type of an answer in lower case, without parameters; "" where the server names none."""
    return (response.headers.get("Content-Type") or "").split(";")[0].strip().lower()


def _some(response: Any, count: int, reached: int) -> bytes:
    """What has arrived, at most `count` bytes: a slow server must not keep us from looking at the clock."""
    try:
        return response.read1(count)
    except (OSError, http.client.HTTPException) as error:
        raise Interrupted(f"the connection broke ({type(error).__name__})", None, reached) from error


def _named(error: urllib.error.HTTPError) -> str:
    return f"{error.code} {' '.join(str(error.reason).split())}".strip()


def _no_connection(url: str, reason: Any) -> Exception:
    if isinstance(reason, socket.gaierror):
        return Unreachable(url, "no network, or no such server")
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Unreachable(
            url,
            f"the server's certificate cannot be trusted ({reason.verify_message})",
            "behind a company's proxy, name its certificates in SSL_CERT_FILE",
        )
    return Interrupted(f"no connection ({reason})")
