"""Whether an input is the one seen before: a hash that is cheap also for very large inputs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import Any

import PIL
from PIL import features

from nada.data.folder import list_files
from nada.data.records import is_picture
from nada.errors import NadaError

_ENDS = 1 << 20  # bytes; the directory of a zip and the metadata of a parquet file stand at the end
_DESCRIBING = (".json", ".jsonl", ".csv", ".txt", ".parquet", ".bin", ".meta", "")


def fingerprint(path: Path, options: dict[str, Any]) -> str:
    """A hash of an input and of what is done with it, as 64 hex digits.

    Of the input count names, sizes and times of change of all files that matter, and of a single file its first and
    last megabyte; of the program the versions of what decodes and encodes pictures.

    Raises:
        NadaError: if the input cannot be read.
    """
    tools = [PIL.__version__, features.version("zlib"), features.version("jpg")]
    digest = hashlib.sha256(json.dumps([options, tools], sort_keys=True).encode())
    try:
        if path.is_dir():
            for name in list_files(path):
                if is_picture(name) or PurePosixPath(name).suffix.lower() in _DESCRIBING:
                    digest.update(_state(path / name, name))
        else:
            digest.update(_state(path, path.name))
            digest.update(_ends(path))
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error
    return digest.hexdigest()


def _state(path: Path, name: str) -> bytes:
    status = path.stat() if path.exists() else path.lstat()  # a link that leads nowhere
    return json.dumps([name, status.st_size, status.st_mtime_ns]).encode()


def _ends(path: Path) -> bytes:
    with open(path, "rb") as file:
        start = file.read(_ENDS)
        file.seek(max(path.stat().st_size - _ENDS, 0))
        return start + file.read()
