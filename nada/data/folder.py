"""A folder of pictures, nested as it may be."""

from __future__ import annotations

from pathlib import Path

from nada.data.records import Reading, Source
from nada.data.tree import Tree, open_tree
from nada.errors import NadaError

MAX_FILE_BYTES = 256 << 20  # no picture is larger


def list_files(path: Path) -> list[str]:
    """All files below a folder, by their names inside it, in order. Raises NadaError where it cannot be read."""
    try:
        return sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    except OSError as error:
        raise NadaError(f"cannot read the folder {path}: {error.strerror or error}.") from error


def open_folder(path: Path, reading: Reading, files: list[str] | None = None) -> Source:
    """The pictures below `path`, in the order of their names. Raises NadaError where it cannot be read."""
    files = list_files(path) if files is None else files
    return open_tree(Tree(str(path), files, lambda name: _read(path / name), lambda name: name), reading)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise NadaError(f"{path} has more than {MAX_FILE_BYTES >> 20} MiB, which no picture has.")
        return path.read_bytes()
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error
