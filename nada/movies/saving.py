"""`save_movie`: frames into the kind of film that a name asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import numpy as np

from nada.errors import UsageError
from nada.files import clear_unfinished, locked, make_folder, replacing
from nada.movies.gif import check_gif, shared_palette, write_gif
from nada.movies.stills import check_stills, write_stills
from nada.movies.video import check_video, write_video

KINDS = {".gif": "gif", ".mp4": "mp4", "": "png"}
Bar = Callable[[Iterable[np.ndarray], int], Iterable[np.ndarray]]


class Frames(Protocol):
    """Pictures uint8 `(H, W, 3)` of one size in a fixed order; a list is one, and so is what makes them when asked."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> np.ndarray: ...


def kind_of(path: str | Path) -> str:
    """Return "gif", "mp4" or, for a name without an ending, "png". Raises UsageError for other endings.

    >>> kind_of("walk.GIF"), kind_of("frames")
    ('gif', 'png')
    """
    suffix = Path(path).suffix.lower()
    if suffix not in KINDS:
        raise UsageError(f"A film is written as .gif, .mp4 or, without an ending, a folder of PNGs, not as {suffix}.")
    return KINDS[suffix]


def check_movie(path: str | Path, size: tuple[int, int], fps: float, quality: int = 8) -> None:
    """Raise, before anything is computed, what `save_movie` would of this name, size (width, height), rate and quality."""
    kind = kind_of(path)
    if kind == "gif":
        check_gif(fps, size)
    elif kind == "mp4":
        check_video(fps, quality)
    else:
        check_stills(Path(path))
    if kind != "png" and Path(path).is_dir():
        raise UsageError(f"{path} is a folder; give the name of a file.")


def save_movie(
    path: str | Path, frames: Frames, fps: float = 25, quality: int = 8, comment: str = "", bar: Bar | None = None
) -> Path:
    """Write frames as the ending of `path` says: `.gif`, `.mp4`, or a folder of PNGs; files whole or not at all.

    Frames are asked for one after the other and not kept. For a GIF some are asked for before, to choose a palette.

    Args:
        frames: uint8 `(H, W, 3)`, all of one size.
        fps: frames a second, up to 50 in a GIF; PNGs have none.
        quality: of an MP4, 1 to 10.
        comment: text for the metadata, such as the settings in JSON.
        bar: wraps the iteration, told their count, to show progress.

    Raises:
        UsageError: for a name, rate or quality that makes no sense, or no frames.
        NadaError: where it cannot be written or another process is at it, or MP4 without its extra.
    """
    path = Path(path)
    if not len(frames):
        raise UsageError("A film needs at least one frame.")
    height, width = frames[0].shape[:2]
    check_movie(path, (width, height), fps, quality)
    each = (frames[index] for index in range(len(frames))) if not isinstance(frames, Iterable) else frames
    shown = bar(each, len(frames)) if bar else each
    if kind_of(path) == "png":
        write_stills(path, shown, comment)
        return path
    make_folder(path.parent)
    with locked(path, f"another film is being written to {path}; wait for it, or give another name."):
        clear_unfinished(path.parent, path.name.__eq__)
        with replacing(path) as temporary:
            if kind_of(path) == "mp4":
                write_video(temporary, shown, fps, quality, comment)
            else:
                palette = shared_palette(frames)
                with open(temporary, "xb") as file:
                    write_gif(file, shown, palette, fps, len(frames), comment)
    return path
