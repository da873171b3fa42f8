"""Files that are either whole or not there: written beside their final name, by one process, then renamed over it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nada.errors import NadaError

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or choose another folder",
    errno.EACCES: "permission denied; choose a folder you may write to",
    errno.EPERM: "permission denied; choose a folder you may write to",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another folder",
    errno.EEXIST: "a file of that name is in the way; choose another folder",
    errno.EISDIR: "a folder of that name is in the way; choose another name",
}
UNUSED = 60 * 86400.0  # seconds after which what nobody has asked for leaves a folder of the cache
_UNFINISHED = re.compile(r"\.(.+)\.[0-9a-f]{8}\.tmp", re.DOTALL)  # as `replacing` names them


def cache_folder() -> Path:
    """Return where downloads and built operators go: `$NADA_CACHE`, or the place the platform has for that."""
    if chosen := os.environ.get("NADA_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "nada"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "nada"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nada"


def write_error(path: str | Path, error: OSError) -> NadaError:
    """Turn a failed write to `path` into one sentence that says what to do."""
    advice = _ADVICE.get(error.errno or 0, f"{error.strerror or error}; choose another folder")
    return NadaError(f"cannot write {path}: {advice}.")


def make_folder(path: str | Path) -> Path:
    """Create a folder and its parents; an existing one is fine. Raises NadaError where that is impossible."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error
    return Path(path)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield the name of a temporary file beside `path`, which takes its place when the block ends well.

    After a crash or an error the old file (or none) is there, never half of the new one. Raises NadaError when the disk
    is full or the place cannot be written.
    """
    path = Path(path)
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def clear_unfinished(folder: Path, ours: Callable[[str], bool], idle: float = 0) -> None:
    """Remove what processes that were killed inside `replacing` left of files whose final names are `ours`.

    Call it while `locked` keeps everybody else from writing these files: theirs would go, too. Or say after how many
    seconds without a byte nobody can still be writing.
    """
    for path in folder.iterdir():
        match = _UNFINISHED.fullmatch(path.name)
        if match is not None and ours(match[1]) and (not idle or idle_seconds(path) > idle):
            path.unlink(missing_ok=True)


def idle_seconds(path: Path) -> float:
    """How long ago a file was written or, as far as the system notes that, read; 0 for one that is gone."""
    try:
        facts = path.stat()
    except OSError:
        return 0
    return time.time() - max(facts.st_atime, facts.st_mtime)


def write_bytes(path: str | Path, data: bytes | memoryview) -> Path:
    """Replace the content of `path` in one step; parent folders are made as needed. Raises NadaError as `replacing`."""
    path = Path(path)
    with replacing(path) as temporary, open(temporary, "xb") as file:
        file.write(data)
    return path


def write_text(path: str | Path, text: str) -> Path:
    """Like `write_bytes`, for text: UTF-8 and newlines as given, bytes of names that are no UTF-8 as `readable` has them."""
    return write_bytes(path, _encode(text))


def write_json(path: str | Path, value: Any) -> Path:
    """Like `write_bytes`, for JSON: indented, keys in the order given, a newline at the end."""
    return write_bytes(path, encode_json(value))


def encode_json(value: Any) -> bytes:
    """Return the bytes that `write_json` writes."""
    return _encode(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def readable(name: str) -> str:
    r"""Return a file's name with bytes that are no UTF-8 as `\udcff`; else neither terminals nor curves would take it."""
    return _encode(name).decode("utf-8")


def _encode(text: str) -> bytes:
    """UTF-8. The system hands over other bytes of a file's name as lone surrogates; they are written as JSON has them."""
    return text.encode("utf-8", "backslashreplace")


def lock_of(path: Path) -> Path:
    """The file by which `locked` keeps others from `path`."""
    return path.with_name(f".{path.name}.lock")


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Keep a second process from writing to `path`, by a lock beside it, which the system frees even after a crash.

    Raises NadaError with `busy` for the second one, and where the place cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # Windows itself lets nobody replace a file that is open elsewhere
        yield
        return
    beside = lock_of(path)
    try:
        lock = open(beside, "w")
    except OSError as error:
        raise write_error(path, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = os.fstat(lock.fileno()).st_nlink > 0  # else its last owner has just removed it
        except BlockingIOError:
            free = False
        except OSError as error:
            raise write_error(beside, error) from error
        if not free:
            raise NadaError(busy)
        try:
            yield
        finally:
            beside.unlink(missing_ok=True)


def read_json(path: str | Path) -> Any:
    """Read a JSON file. Raises NadaError naming the file when it is missing or is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise NadaError(f"{path} is not a JSON file: {error}.") from error


def hash_file(path: str | Path, algorithm: str = "sha256") -> str:
    """The checksum of a file's bytes in hex digits, by default sha256. Raises NadaError when it cannot be read."""
    digest = hashlib.new(algorithm, usedforsecurity=False)  # md5, where nothing better is published
    try:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error
    return digest.hexdigest()
