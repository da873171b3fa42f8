"""GIF, frame by frame, with one palette for all of them.

Pillow's own writer keeps every frame until the last one is there, and a palette of each frame's own makes still areas
flicker. Here the palette is chosen once, from frames all along the film, and a frame is forgotten when it is written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np
from PIL import GifImagePlugin, Image

from nada.errors import UsageError

COLOURS = 256
FASTEST = 50  # frames a second: browsers take shorter delays than 0.02 s for 0.1 s
_LOOKED_AT = 24  # frames that the palette is chosen from
_PIXELS = 300_000  # of them all together
_REFINED = 4  # rounds of k-means behind the median cut
_FULL_TABLE = 0b1_111_0_111  # a global palette of 256 colours, 8 bits each


def check_gif(fps: float, size: tuple[int, int]) -> None:
    """Raise UsageError for a rate or a size `(width, height)` that the format does not have."""
    if not 0.02 <= fps <= FASTEST:
        raise UsageError(f"A GIF has 0.02 to {FASTEST} frames a second, not {fps:g}; .mp4 has more.")
    if max(size) > 65535:
        raise UsageError(f"A GIF is 65535 pixels wide and high at most, not {max(size)}.")


def shared_palette(frames: Sequence[np.ndarray]) -> bytes:
    """Return 256 colours, 768 bytes, that suit all of `frames`, uint8 `(H, W, 3)`: median cut, then k-means.

    Two dozen frames are looked at, evenly spaced. Like colours count by the root of their number, so that a large
    background takes no shades away from what passes through a few frames. The same frames give the same palette.
    """
    count = min(_LOOKED_AT, len(frames))
    chosen = [frames[index * len(frames) // count] for index in range(count)]
    pixels = np.concatenate([frame.reshape(-1, 3) for frame in chosen])
    pixels = pixels[:: max(1, len(pixels) // _PIXELS)]
    coarse = (pixels >> 3).astype(np.int32) @ (1 << 10, 1 << 5, 1)
    _, member, counts = np.unique(coarse, return_inverse=True, return_counts=True)
    means = [np.bincount(member, pixels[:, channel]) / counts for channel in range(3)]
    colours = np.stack(means, axis=1).round().astype(np.uint8).repeat(np.ceil(np.sqrt(counts)).astype(int), axis=0)
    strip = Image.fromarray(colours[None])
    found = strip.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=_REFINED).getpalette() or []
    return bytes(found[: 3 * COLOURS]).ljust(3 * COLOURS, b"\0")


def delays(count: int, fps: float) -> list[int]:
    """Return the hundredths of a second that each frame stands, which only together make the exact rate.

    >>> delays(6, 30)
    [3, 4, 3, 3, 4, 3]
    """
    ends = [round(100 * index / fps) for index in range(count + 1)]
    return [end - start for start, end in zip(ends, ends[1:])]


def write_gif(
    file: BinaryIO, frames: Iterable[np.ndarray], palette: bytes, fps: float, count: int, comment: str = ""
) -> None:
    """Write a GIF that repeats for ever.

    Args:
        frames: `count` pictures uint8 `(H, W, 3)` of one size; each takes the nearest colours of `palette`, without
            dithering, whose pattern would crawl.
        palette: as `shared_palette` gives.
        fps: frames a second, 0.02 to 50; the format counts hundredths of seconds, see `delays`.
        comment: text that players do not show.
    """
    shared = Image.new("P", (1, 1))
    shared.putpalette(palette)
    for index, (frame, delay) in enumerate(zip(frames, delays(count, fps), strict=True)):
        picture = Image.fromarray(np.ascontiguousarray(frame)).quantize(palette=shared, dither=Image.Dither.NONE)
        if index == 0:
            file.write(_head(picture.size, palette, comment))
        for data in GifImagePlugin.getdata(picture, duration=10 * delay, disposal=1):
            file.write(data)
    file.write(b";")


def _head(size: tuple[int, int], palette: bytes, comment: str) -> bytes:
    """Everything before the first frame (GIF89a, sections 17 to 26): size, palette, endless repeat, comment."""
    text = comment.encode("utf-8")
    blocks = [text[start : start + 255] for start in range(0, len(text), 255)]
    remark = b"!\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0" if text else b""
    screen = b"GIF89a" + struct.pack("<HHBBB", *size, _FULL_TABLE, 0, 0)
    return screen + palette + b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" + remark
