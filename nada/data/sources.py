"""From a path to its pictures, whatever kind of source it is."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from nada.data.archive import open_archive
from nada.data.cifar import is_cifar_folder, open_cifar_archive, open_cifar_folder
from nada.data.folder import list_files, open_folder, read_file
from nada.data.parquet import open_parquet
from nada.data.records import CLASS_FROM, Reading, Source, inside, is_picture
from nada.errors import NadaError, UsageError

KINDS = "a folder, a .zip, a .parquet file or CIFAR-10's .tar.gz"
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def open_source(path: str | Path, include: str | None = None, reading: Reading | None = None) -> Source:
    """Open pictures without decoding one.

    Args:
        path: a folder of pictures, of parquet files or of an unpacked CIFAR-10; a `.zip`; a `.parquet` file; CIFAR-10's
            published archive.
        include: a glob pattern, short for `Reading(include=...)`.
        reading: how to read, in full.

    Raises:
        NadaError: where it is none of these or is damaged.
        UsageError: for columns or classes asked for that are not there.
    """
    path, reading = Path(path), reading or Reading(include=include)
    if reading.class_from not in CLASS_FROM:
        raise UsageError(f"classes come from {', '.join(CLASS_FROM)}, not from {reading.class_from!r}.")
    if not path.exists():
        raise NadaError(f"there is no data at {path}; give {KINDS}.")
    files = list_files(path) if path.is_dir() else [path.name]
    if shards := _parquet_files(path, files):
        return open_parquet(shards, path, reading)
    if reading.image_column or reading.label_column or reading.text_column:
        raise UsageError(f"{path} is not parquet, so that no column can be chosen in it.")
    name = path.name.lower()
    if path.is_dir():
        return open_cifar_folder(path, files, reading) if is_cifar_folder(files) else open_folder(path, reading, files)
    if name.endswith(_TAR):
        return open_cifar_archive(path, reading)
    if name.endswith(".zip"):
        return open_archive(path, reading)
    raise NadaError(f"{path} is not data that can be read; give {KINDS}.")


def read_picture(name: str | Path) -> bytes:
    """The bytes of one picture: a file, or one inside of data, called as messages call it: `photos.zip:apple/0001.jpg`.

    Raises NadaError where there is no such file or picture, or it cannot be read.
    """
    text = str(name)
    parts = [(text[:place], text[place + 1 :]) for place in range(1, len(text)) if text[place] == ":"]
    held = next((part for part in parts if Path(part[0]).exists()), None)
    if held is None or Path(name).exists():
        return read_file(Path(name))
    path, member = held
    include = glob.escape(member) if path.lower().endswith(".zip") else None  # the others are looked through
    records = open_source(path, reading=Reading(include=include, class_from="none")).records
    record = next((record for record in records if inside(record.name, path) == member), None)
    if record is None or record.problem:
        raise NadaError((record and record.problem) or f"there is no picture {member} in {path}.")
    return record.data


def check_classes(source: Source, path: Path) -> None:
    """Raise NadaError where some pictures have a class and others have none."""
    if source.unlabelled:
        raise NadaError(
            f"{source.unlabelled} pictures have no class while others in {path} do; label them, leave them out with "
            "--include, or import them without classes (nada data import --class-from none)."
        )


def nothing_left(path: Path, include: str | None, source: Source, skipped: Sequence[str]) -> NadaError:
    """What to say where not one picture can be used; `skipped` names those that could not be read."""
    if skipped:
        return NadaError(f"none of the {len(skipped)} pictures in {path} can be decoded, as {skipped[0]}.")
    fitting = f" that fits {include!r}" if include else ""
    return NadaError(f"there is no picture{fitting} in {path} (and {len(source.ignored)} files that are not pictures).")


def _parquet_files(path: Path, files: list[str]) -> list[Path]:
    """The parquet files that `path` is or holds; none for a folder that has pictures too."""
    if any(is_picture(name) for name in files):
        return []
    folder = path if path.is_dir() else path.parent
    return [folder / name for name in files if name.lower().endswith(".parquet")]
