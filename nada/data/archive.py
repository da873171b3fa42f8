"""A zip of pictures, labelled by a `dataset.json` as NVIDIA's tools write it, or by its folders."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from nada.data.records import Reading, Source
from nada.data.tree import Tree, open_tree
from nada.errors import NadaError

MAX_MEMBER_BYTES = 256 << 20  # no picture is larger; a member that claims to be is a bomb or a mistake
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def open_archive(path: Path, reading: Reading) -> Source:
    """The pictures of a zip. Raises NadaError for a damaged zip or a `dataset.json` that makes no sense."""
    archive = _opened(path)
    files = sorted({info.filename for info in archive.infolist() if not info.is_dir()})

    def called(name: str) -> str:
        return f"{path}:{name}"

    return open_tree(Tree(str(path), files, lambda name: _member(archive, name, called(name)), called), reading)


def read_member(path: Path, name: str) -> bytes:
    """The bytes of one file in a zip. Raises NadaError for a damaged zip, and KeyError where it has no such file."""
    with _opened(path) as archive:
        return _member(archive, name, f"{path}:{name}")


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise NadaError(f"{path} is not a zip that can be read ({error}).") from error


def _member(archive: zipfile.ZipFile, name: str, called: str) -> bytes:
    """The bytes of a member, never more than it says it has. Raises NadaError where the archive is damaged there."""
    info = archive.getinfo(name)
    if info.file_size > MAX_MEMBER_BYTES:
        raise NadaError(f"{called} has more than {MAX_MEMBER_BYTES >> 20} MiB, which no picture has.")
    if info.compress_type not in _METHODS:  # zipfile unpacks the others in pieces of any size
        raise NadaError(f"{called} is compressed in an unusual way; pack it again with plain zip.")
    try:
        # ZipFile.read would unpack whatever is there before it compares that with the size announced.
        with archive.open(info) as file:
            data = file.read(info.file_size)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError, zlib.error) as error:
        raise NadaError(f"{called} is damaged ({error}).") from error
    if len(data) != info.file_size:
        raise NadaError(f"{called} is damaged: it ends early.")
    return data
