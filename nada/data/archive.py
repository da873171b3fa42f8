"""A zip of pictures, labelled by a `dataset.json` as NVIDIA's tools write it, or by its first-level folders."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from nada.data.records import Record, Source, class_of, classes_of, is_included, is_picture
from nada.errors import NadaError

DESCRIPTION = "dataset.json"
MAX_MEMBER_BYTES = 256 << 20  # no picture is larger; a member that claims to be is a bomb or a mistake


def open_archive(path: Path, include: str | None = None) -> Source:
    """List the pictures of a zip. Raises NadaError for a damaged zip or a `dataset.json` that makes no sense."""
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise NadaError(f"{path} is not a zip that can be read ({error}).") from error
    files = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    pictures = [name for name in files if is_picture(name) and is_included(name, include)]
    ignored = tuple(name for name in files if not is_picture(name) and name != DESCRIPTION)
    if DESCRIPTION in files:
        labels, classes = _read_description(archive, path)
    else:
        classes = classes_of(pictures)
        labels = {name: class_of(name) for name in pictures} if classes else {}
    return Source(_records(archive, path, pictures, labels), len(pictures), classes, ignored)


def _records(archive: zipfile.ZipFile, path: Path, names: list[str], labels: Mapping[str, str | None]) -> Iterator[Record]:
    with archive:
        for name in names:
            yield Record(f"{path}:{name}", _member(archive, name), labels.get(name))


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of a member; empty, which decodes as a broken picture, where the archive is damaged there."""
    if archive.getinfo(name).file_size > MAX_MEMBER_BYTES:
        return b""
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        return b""


def _read_description(archive: zipfile.ZipFile, path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Labels by file name and the class names; both empty where the file says that there are no labels."""
    try:
        described = json.loads(archive.read(DESCRIPTION))
        if not described.get("labels"):
            return {}, ()  # said, not merely unknown: the folders of such a zip are no classes
        numbers = {str(name): int(number) for name, number in described["labels"]}
        names = described.get("label_names") or [str(number) for number in range(max(numbers.values()) + 1)]
        classes = tuple(str(name) for name in names)
        if min(numbers.values()) < 0 or len(set(classes)) < len(classes):
            raise ValueError("class numbers start at 0 and class names differ")
        return {name: classes[number] for name, number in numbers.items()}, classes
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, zipfile.BadZipFile) as error:
        raise NadaError(f"the {DESCRIPTION} in {path} does not describe labels ({error}).") from error
