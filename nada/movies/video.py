"""MP4 through the ffmpeg that the package imageio-ffmpeg brings: H.264 in yuv420p, what every player and browser shows."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from nada.errors import NadaError, UsageError

FASTEST = 120
BEST = 10  # quality
# The colours of HD, said in the file: without that players guess, and pictures of RGB come out a little wrong.
_COLOURS = (
    "scale=out_color_matrix=bt709:out_range=tv,setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
)
_SAME_BYTES = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-threads", "1")


def check_video(fps: float, quality: int) -> None:
    """Raise UsageError for a rate or quality out of range, and NadaError where there is no ffmpeg to write with."""
    if not 0.1 <= fps <= FASTEST:
        raise UsageError(f"A film has 0.1 to {FASTEST} frames a second, not {fps:g}.")
    if not 1 <= quality <= BEST:
        raise UsageError(f"--quality is from 1 to {BEST}, not {quality}.")
    _ffmpeg()


def _ffmpeg() -> Any:
    """The library, imported. Raises NadaError where it, or the program that it brings, is missing."""
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise NadaError(
            "MP4 needs ffmpeg, which is not here: pip install imageio-ffmpeg, or write a .gif or a folder of PNGs."
        ) from error
    return imageio_ffmpeg


def constant_rate(quality: int) -> int:
    """Return x264's rate factor (less is better, 18 is taken for lossless to the eye) for a quality from 1 to 10.

    >>> constant_rate(8)
    18
    """
    return 34 - 2 * quality


def even(frame: np.ndarray) -> np.ndarray:
    """Return uint8 `(H, W, 3)` with even sides, the last row and column repeated where needed: colours are kept at half size."""
    height, width = frame.shape[:2]
    return np.pad(frame, [(0, height % 2), (0, width % 2), (0, 0)], mode="edge")


def write_video(path: Path, frames: Iterable[np.ndarray], fps: float, quality: int = 8, comment: str = "") -> None:
    """Write pictures uint8 `(H, W, 3)` of one size as an MP4, whatever `path` is called.

    Args:
        fps: frames a second.
        quality: 1 to 10; 8 looks like the pictures themselves.
        comment: text for the file's metadata.

    Raises NadaError where ffmpeg is missing or fails.
    """
    ffmpeg = _ffmpeg()
    waiting = iter(frames)
    first = even(next(waiting))
    output = ["-f", "mp4", "-crf", str(constant_rate(quality)), "-vf", _COLOURS, *_SAME_BYTES]
    output += ["-movflags", "+faststart", "-metadata", f"comment={comment}"]
    size = first.shape[1], first.shape[0]
    sink = ffmpeg.write_frames(
        str(path),
        size,
        fps=fps,
        codec="libx264",
        quality=None,
        macro_block_size=2,
        ffmpeg_log_level="quiet",
        output_params=output,
    )
    sink.send(None)
    count = 0
    try:
        for frame in chain([first], map(even, waiting)):
            sink.send(np.ascontiguousarray(frame))
            count += 1
    except OSError as error:  # the pipe to ffmpeg is broken; its message is a page long
        raise _failed(path) from error
    finally:
        sink.close()
    if not path.is_file() or ffmpeg.count_frames_and_secs(str(path))[0] != count:
        raise _failed(path)


def _failed(path: Path) -> NadaError:
    return NadaError(f"ffmpeg could not write {path.parent}: is the disk full? Write a folder of PNGs to see what fits.")
