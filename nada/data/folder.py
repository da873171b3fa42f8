"""A folder of pictures, nested as it may be."""

from __future__ import annotations

import os
from pathlib import Path

from nada.data.records import Reading, Source
from nada.data.tree import Tree, open_tree
from nada.errors import NadaError

MAX_FILE_BYTES = 256 << 20  # no picture is larger


def list_files(path: Path) -> list[str]:
    """All files below a folder, by their names inside it, in order; linked folders are followed, but in no circle.

    Links that lead nowhere are among them, so that a picture that has gone is missed and not overlooked.
    Raises NadaError where a folder cannot be read.
    """
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    try:
        for folder, inner, names in os.walk(path, onerror=_raise, followlinks=True):
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in seen:
                inner.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            inner.sort()  # which of two links to one folder is taken must not depend on the file system
            inside = Path(folder).relative_to(path).as_posix()
            files = (name for name in names if _is_file(os.path.join(folder, name)))
            found += files if inside == "." else (f"{inside}/{name}" for name in files)
    except OSError as error:
        raise NadaError(f"cannot read {error.filename or path}: {error.strerror or error}.") from error
    return sorted(found)


def _is_file(path: str) -> bool:
    return os.path.isfile(path) or not os.path.exists(path)


def _raise(error: OSError) -> None:
    raise error


def open_folder(path: Path, reading: Reading, files: list[str] | None = None) -> Source:
    """The pictures below `path`, in the order of their names. Raises NadaError where it cannot be read."""
    files = list_files(path) if files is None else files
    return open_tree(Tree(str(path), files, lambda name: read_file(path / name), lambda name: name), reading)


def read_file(path: Path) -> bytes:
    """The bytes of a file that should be a picture. Raises NadaError where it cannot be read or is too large to be one."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise NadaError(f"{path} has more than {MAX_FILE_BYTES >> 20} MiB, which no picture has.")
        return path.read_bytes()
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error
