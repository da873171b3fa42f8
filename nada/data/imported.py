"""What an import says of itself, read back."""

from __future__ import annotations

import json
from pathlib import Path

from nada.data.archive import read_member
from nada.data.descriptions import DESCRIPTION
from nada.data.folder import read_file
from nada.errors import NadaError


def imported_size(path: str | Path) -> int | None:
    """The side in pixels that `nada data import` gave the pictures of a zip, or of a folder that one was unpacked to.

    None for all other data, damaged and missing ones included: who opens them tells better what is wrong.
    """
    path = Path(path)
    try:
        data = read_file(path / DESCRIPTION) if path.is_dir() else read_member(path, DESCRIPTION)
        size = json.loads(data)["import"]["size"]
    except (NadaError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return size if type(size) is int and size > 0 else None
