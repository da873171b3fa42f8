"""One large file over HTTP: resumable, atomic, checked."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from nada.errors import NadaError
from nada.files import hash_file, locked, make_folder, write_error, write_json
from nada.web.client import Client, checked, content_type
from nada.web.problems import Interrupted, OutOfRange, Refused, Unreachable


@dataclass
class _Part:
    """What the server told of the file that a part belongs to: the name of its version, and its size."""

    validator: str = ""
    size: int | None = None


def save_file(url: str, target: Path, checksum: str = "", *, client: Client | None = None, advice: str = "") -> Path:
    """Download `url` to `target`, by way of `target.part`, which the next call goes on with.

    Args:
        checksum: of the whole file, as "sha256:" or "md5:" and hex digits; empty if nobody has published one.
        client: how often to try, and how long to wait.
        advice: a sentence for people whom the server does not answer, added to the error.

    Raises:
        NadaError: one sentence on what failed, and the `advice`.
    """
    client = client or Client()
    checked(url)
    make_folder(target.parent)
    part = target.with_name(f"{target.name}.part")
    with locked(part, f"another process is downloading {target.name}; wait for it to finish."):
        try:
            client.persist(url, lambda: _transfer(client, url, part))
            _check(part, url, checksum)
        except (Refused, Unreachable) as error:
            raise NadaError(f"{error} {advice}".strip()) from error
        _finish(part, target)
    return target


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_notes(part: Path) -> _Part:
    try:
        content = json.loads(_notes(part).read_text(encoding="utf-8"))
        return _Part(str(content["validator"]), content["size"])
    except (OSError, ValueError, KeyError, TypeError):
        return _Part()  # without notes the download starts again, which is always right


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


def _range(start: int, notes: _Part) -> dict[str, str]:
    """The headers that ask for what is missing, if the file is still the same."""
    if not start:
        return {}
    return {"Range": f"bytes={start}-", **({"If-Range": notes.validator} if notes.validator else {})}


def _open(client: Client, url: str, part: Path, headers: dict[str, str]) -> Any:
    try:
        return client.open(url, headers)
    except OutOfRange:  # our part is longer than the file is now
        _discard(part)
        raise


def _whole_size(response: Any, start: int) -> int | None:
    """Return the size of the whole file, if the server tells it."""
    if response.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        return int(match[2]) if match and int(match[1]) == start else None
    return response.length


def _transfer(client: Client, url: str, part: Path) -> None:
    """Append what is missing to `part`; write it anew if the server has another version or cannot resume."""
    start = part.stat().st_size if part.is_file() else 0
    notes = _read_notes(part)
    if start and notes.size is None:
        start = 0  # nothing to tell by whether the server still has the same file
    if start and start == notes.size:
        return
    with _open(client, url, part, _range(start, notes)) as response:
        if content_type(response) == "text/html":
            raise Refused(url, "it answers with a web page instead of the file; open it in a browser to see why")
        size = _whole_size(response, start)
        if response.status == 206 and (size is None or size != notes.size):
            _discard(part)
            raise Interrupted("the file has changed on the server")
        start = start if response.status == 206 else 0
        if not start:
            _discard(part)  # so that notes on a new file never stand beside bytes of an old one
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        write_json(_notes(part), asdict(_Part("" if validator.startswith("W/") else validator, size)))
        try:
            with open(part, "r+b" if start else "wb") as file:
                file.seek(start)
                _copy(client, response, file, start, size, part.stem)
        except OSError as error:
            raise write_error(part, error) from error


def _copy(client: Client, response: Any, file: IO[bytes], start: int, size: int | None, label: str) -> None:
    from tqdm import tqdm

    with tqdm(total=size, initial=start, unit="B", unit_scale=True, desc=label, disable=None, leave=False) as bar:
        for chunk in client.chunks(response, start):
            file.write(chunk)
            bar.update(len(chunk))


def _check(part: Path, url: str, checksum: str) -> None:
    """Raise Refused, and drop the part, if it is not what it should be."""
    with open(part, "rb") as file:
        head = file.read(512)
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")) or not head:
        _discard(part)
        raise Refused(url, "it gave a web page or nothing instead of the file; open it in a browser to see why")
    algorithm, _, wanted = checksum.partition(":")
    if wanted and (found := hash_file(part, algorithm)) != wanted.lower():
        _discard(part)
        raise Refused(url, f"the {algorithm} checksum is {found}, not {wanted}; what had arrived is deleted, try again")


def _finish(part: Path, target: Path) -> None:
    try:
        os.replace(part, target)
    except OSError as error:
        raise write_error(target, error) from error
    _notes(part).unlink(missing_ok=True)
