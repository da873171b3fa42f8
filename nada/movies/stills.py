"""A film as a folder of numbered PNGs, for whoever cuts it elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from nada.errors import NadaError
from nada.files import clear_unfinished, locked, make_folder, write_text
from nada.images import save_png

SETTINGS = "walk.json"
_FRAME = re.compile(r"frame-\d{5,}\.png")


def check_stills(folder: Path) -> None:
    """Raise NadaError for a folder that holds anything but an earlier film, which would be written over."""
    if folder.is_file():
        raise NadaError(f"{folder} is a file; give a name that ends in .gif or .mp4, or that of a folder for PNGs.")
    strangers = [path.name for path in folder.iterdir() if not _is_ours(path.name)] if folder.is_dir() else []
    if strangers:
        raise NadaError(f"{folder} holds {min(strangers)} and so is no folder of frames; give another one.")


def _is_ours(name: str) -> bool:
    return name == SETTINGS or name.startswith(".") or _FRAME.fullmatch(name) is not None


def write_stills(folder: Path, frames: Iterable[np.ndarray], comment: str = "") -> None:
    """Write `frame-00000.png` and so on, and last the comment, where there is one, as `walk.json`.

    An earlier film in the folder is replaced; one that was interrupted has no `walk.json`.
    Raises NadaError for a folder of something else, and where it cannot be written.
    """
    check_stills(make_folder(folder))
    with locked(folder / "frames", f"another film is being written to {folder}; wait for it, or give another name."):
        clear_unfinished(folder, _is_ours)
        _replace(folder, frames, comment)


def _replace(folder: Path, frames: Iterable[np.ndarray], comment: str) -> None:
    (folder / SETTINGS).unlink(missing_ok=True)
    written = set()
    for index, frame in enumerate(frames):
        written.add(save_png(folder / f"frame-{index:05d}.png", frame, {"nada": comment} if comment else None).name)
    for path in folder.iterdir():
        if _FRAME.fullmatch(path.name) and path.name not in written:
            path.unlink()
    if comment:
        write_text(folder / SETTINGS, comment + "\n")
