"""A folder of pictures; its first-level folders are the classes."""

from __future__ import annotations

from pathlib import Path

from nada.data.records import Record, Source, class_of, classes_of, is_included, is_picture
from nada.errors import NadaError


def open_folder(path: Path, include: str | None = None) -> Source:
    """List the pictures below `path`, in the order of their names. Raises NadaError where it cannot be read."""
    try:
        files = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    except OSError as error:
        raise NadaError(f"cannot read the folder {path}: {error.strerror or error}.") from error
    pictures = [name for name in files if is_picture(name) and is_included(name, include)]
    ignored = tuple(name for name in files if not is_picture(name))
    classes = classes_of(pictures)
    records = (Record(name, _read(path / name), class_of(name) if classes else None) for name in pictures)
    return Source(records, len(pictures), classes, ignored)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error
