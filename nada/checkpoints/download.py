"""One file over HTTP: resumable, atomic, checked. Standard library only."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Iterator

from nada.errors import NadaError
from nada.files import hash_file, make_folder, write_error, write_json

_TIMEOUT = 30.0
_CHUNK = 1 << 18
_PASSING = (408, 425, 429, 500, 502, 503, 504)


class _Interrupted(Exception):
    """The transfer broke off; another try may go on from there."""


@dataclass
class _Part:
    """What the server told of the file that a part belongs to: the name of its version, and its size."""

    validator: str = ""
    size: int | None = None


def download(
    url: str,
    target: Path,
    sha256: str | None = None,
    *,
    attempts: int = 4,
    pause: float = 1.0,
    advice: str = "",
) -> Path:
    """Download `url` to `target`, by way of `target.part`, which the next call goes on with.

    Args:
        sha256: the checksum of the whole file, 64 hex digits; None if nobody has published one.
        attempts: how often to try when the connection breaks or the server is busy.
        pause: seconds to wait before the second try; doubled each time.
        advice: a sentence for people who have no network, added to the error.

    Raises:
        NadaError: one sentence on what failed, and the `advice`.
    """
    if not re.match(r"https?://", url):
        raise NadaError(f"cannot download {url}: only http and https addresses are supported.")
    make_folder(target.parent)
    part = target.with_name(f"{target.name}.part")
    with _alone(part):
        for attempt in range(attempts):
            try:
                _transfer(url, part)
                break
            except _Interrupted as error:
                if attempt + 1 == attempts:
                    raise NadaError(
                        f"cannot download {url}: {error}; try again later. {advice}".strip()
                    ) from error
                time.sleep(pause * 2**attempt)
            except NadaError as error:
                raise NadaError(f"{error} {advice}".strip()) from error
        _check(part, url, sha256)
        _finish(part, target)
    return target


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Keep a second process from writing to the same part. The system frees the lock even after a crash."""
    try:
        import fcntl
    except ImportError:  # Windows: the open file itself cannot be opened twice for renaming
        yield
        return
    try:
        with open(part.with_name(f".{part.name}.lock"), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise NadaError(
                    f"another process is downloading {part.stem}; wait for it to finish."
                ) from error
            yield
    except OSError as error:
        raise write_error(part, error) from error


def _read_notes(part: Path) -> _Part:
    try:
        content = json.loads(_notes(part).read_text(encoding="utf-8"))
        return _Part(str(content["validator"]), content["size"])
    except (OSError, ValueError, KeyError, TypeError):
        return _Part()  # without notes the download starts again, which is always right


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


def _request(url: str, start: int, notes: _Part) -> urllib.request.Request:
    request = urllib.request.Request(url, headers={"User-Agent": "nada", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
        if notes.validator:
            request.add_header("If-Range", notes.validator)
    return request


def _open(request: urllib.request.Request, part: Path) -> Any:
    """Send the request. Raises _Interrupted for what may pass, NadaError for what will not."""
    url = request.full_url
    try:
        return urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # our part is longer than the file is now
            _discard(part)
            raise _Interrupted("the file has changed on the server") from error
        if error.code in _PASSING:
            raise _Interrupted(f"the server answers {error.code} {error.reason}") from error
        raise NadaError(f"cannot download {url}: the server answers {error.code} {error.reason}.") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, socket.gaierror):
            raise NadaError(f"cannot download {url}: no network, or no such server.") from error
        raise _Interrupted(f"no connection ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(f"the connection broke ({type(error).__name__})") from error


def _whole_size(response: Any, start: int) -> int | None:
    """Return the size of the whole file, if the server tells it."""
    if response.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        return int(match[2]) if match and int(match[1]) == start else None
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _transfer(url: str, part: Path) -> None:
    """Append what is missing to `part`; write it anew if the server has another version or cannot resume."""
    start = part.stat().st_size if part.is_file() else 0
    notes = _read_notes(part)
    if start and notes.size is None:
        start = 0  # nothing to tell by whether the server still has the same file
    if start and start == notes.size:
        return
    with _open(_request(url, start, notes), part) as response:
        if response.headers.get_content_type() == "text/html":
            raise NadaError(
                f"{url} answers with a web page instead of the file; open it in a browser to see why."
            )
        size = _whole_size(response, start)
        if response.status == 206 and (size is None or size != notes.size):
            _discard(part)
            raise _Interrupted("the file has changed on the server")
        if response.status != 206:
            start = 0
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        write_json(_notes(part), asdict(_Part("" if validator.startswith("W/") else validator, size)))
        try:
            with open(part, "r+b" if start else "wb") as file:
                file.seek(start)
                _copy(response, file, start, size, part.stem)
        except OSError as error:
            raise write_error(part, error) from error


def _copy(response: Any, file: IO[bytes], start: int, size: int | None, label: str) -> None:
    from tqdm import tqdm

    done = start
    with tqdm(
        total=size, initial=start, unit="B", unit_scale=True, desc=label, disable=None, leave=False
    ) as bar:
        while chunk := _read(response):
            file.write(chunk)
            done += len(chunk)
            bar.update(len(chunk))
    if size is not None and done != size:
        raise _Interrupted(f"the connection broke after {done} of {size} bytes")


def _read(response: Any) -> bytes:
    try:
        return response.read(_CHUNK)
    except http.client.IncompleteRead as error:
        return error.partial
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(f"the connection broke ({type(error).__name__})") from error


def _check(part: Path, url: str, sha256: str | None) -> None:
    """Raise NadaError, and drop the part, if it is not what it should be."""
    with open(part, "rb") as file:
        head = file.read(512)
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")) or not head:
        _discard(part)
        raise NadaError(
            f"{url} gave a web page or nothing instead of the file; open it in a browser to see why."
        )
    if sha256 is not None and (found := hash_file(part)) != sha256.lower():
        _discard(part)
        raise NadaError(
            f"{url} gave a file with the checksum {found}, not {sha256}; it was deleted, try again."
        )


def _finish(part: Path, target: Path) -> None:
    try:
        os.replace(part, target)
    except OSError as error:
        raise write_error(target, error) from error
    _notes(part).unlink(missing_ok=True)
