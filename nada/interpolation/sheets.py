"""From walks to the frames of a film: tiles enlarged, side by side, with captions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nada.errors import UsageError
from nada.images import make_grid
from nada.interpolation.walks import Walk

UPSCALING = {"lanczos": Image.Resampling.LANCZOS, "nearest": Image.Resampling.NEAREST}
LARGEST = 4096  # of a tile
_GAP = 4
_INK = (40, 40, 40)
_SMALLEST = 7  # of letters
_LOOKED_AT = 200  # frames, for how long their captions get


class Sheets(Sequence[np.ndarray]):
    """Frames uint8 `(H, W, 3)` of a film: the tiles of one walk, or of two with the second below the first.

    Args:
        rows: walks of equally many frames and tiles, by what stands before their captions, which may be nothing.
        columns: tiles beside one another.
        size: side of a tile in pixels; None for the generator's own.
        upscale: "lanczos" smooths, "nearest" shows the pixels.
        label: write captions above the tiles, and the time below.
        fps: what the time is counted with.

    Raises:
        UsageError: for a size, filter or number of columns that makes no sense.
    """

    def __init__(
        self,
        rows: Sequence[tuple[str, Walk]],
        columns: int,
        size: int | None = None,
        upscale: str = "lanczos",
        label: bool = False,
        fps: float = 25,
    ) -> None:
        if size is not None and not 4 <= size <= LARGEST:
            raise UsageError(f"--size is 4 to {LARGEST} pixels for a tile, not {size}.")
        if upscale not in UPSCALING:
            raise UsageError(f"Tiles are enlarged by {' or '.join(UPSCALING)}, not {upscale!r}.")
        if columns < 1:
            raise UsageError(f"--columns is 1 or more, not {columns}.")
        self._rows, self._columns, self._size = list(rows), columns, size
        self._filter, self._label, self._fps = UPSCALING[upscale], label, fps
        self._sizes: dict[Callable[[int], list[str]], int] = {}

    def __len__(self) -> int:
        return len(self._rows[0][1])

    def __getitem__(self, index: int) -> np.ndarray:  # type: ignore[override]
        number = range(len(self))[index]
        return self._sheet(number, [walk[number] for _, walk in self._rows])

    def __iter__(self) -> Iterator[np.ndarray]:
        for index, tiles in enumerate(zip(*(walk for _, walk in self._rows), strict=True)):
            yield self._sheet(index, tiles)

    def _sheet(self, index: int, tiles: Sequence[np.ndarray]) -> np.ndarray:
        rows = [self._captioned(index, *row, walk_tiles) for row, walk_tiles in zip(self._rows, tiles, strict=True)]
        count, columns = len(rows[0]), min(self._columns, len(rows[0]))
        blank = np.full_like(rows[0][0], 255)
        laid: list[np.ndarray] = []  # before and after of the same tiles below one another
        for start in range(0, count, columns):
            for row in rows:
                part = row[start : start + columns]
                laid += [*part, *[blank] * (columns - len(part))]
        sheet = laid[0] if len(laid) == 1 else make_grid(np.stack(laid), columns, _GAP)
        return self._timed(index, sheet) if self._label else sheet

    def _captioned(self, index: int, name: str, walk: Walk, tiles: np.ndarray) -> list[np.ndarray]:
        enlarged = [self._enlarge(tile) for tile in tiles]
        if not self._label:
            return enlarged
        width = enlarged[0].shape[1]
        size = self._letters(width, self._captions)
        words = _named(name, walk.captions(index))
        return [np.concatenate([strip(text, width, size), tile]) for text, tile in zip(words, enlarged, strict=True)]

    def _captions(self, index: int) -> list[str]:
        return [text for name, walk in self._rows for text in _named(name, walk.captions(index))]

    def _state(self, index: int) -> list[str]:
        return ["   ".join(filter(None, [time_code(index, self._fps), self._rows[-1][1].status(index)]))]

    def _letters(self, width: int, texts: Callable[[int], list[str]]) -> int:
        """Letters of one size all through the film, in which what its frames say fits into a width."""
        if texts not in self._sizes:
            seen = range(0, len(self), max(1, len(self) // _LOOKED_AT))
            self._sizes[texts] = min(fitting(text, width) for index in seen for text in texts(index))
        return self._sizes[texts]

    def _enlarge(self, tile: np.ndarray) -> np.ndarray:
        if self._size is None or self._size == tile.shape[0]:
            return tile
        return np.asarray(Image.fromarray(tile).resize((self._size, self._size), self._filter))

    def _timed(self, index: int, sheet: np.ndarray) -> np.ndarray:
        width = sheet.shape[1]
        return np.concatenate([sheet, strip(*self._state(index), width, self._letters(width, self._state))])


def _named(name: str, captions: Sequence[str]) -> list[str]:
    return [f"{name}: {caption}" if name else caption for caption in captions]


def time_code(frame: int, fps: float) -> str:
    """Return when a frame is seen, in minutes, seconds and hundredths.

    >>> time_code(1890, 25)
    '01:15.60'
    """
    minutes, hundredths = divmod(int(100 * frame / fps + 1e-6), 6000)
    return f"{minutes:02d}:{hundredths // 100:02d}.{hundredths % 100:02d}"


def _height(width: int) -> int:
    return max(14, min(24, width // 8))


def fitting(text: str, width: int) -> int:
    """Return the size of letters in which a line fits into a strip of a width; the smallest if it fits in none."""
    size = _height(width) - 4
    while size > _SMALLEST and _font(size).getlength(text) > width - 4:
        size -= 1
    return size


@functools.lru_cache(maxsize=256)
def strip(text: str, width: int, size: int) -> np.ndarray:
    """Return a white strip `(height, width, 3)` with a line of text in letters of a size, cut off where it is too long.

    The height depends on the width alone, so that the frames of a film are of one size.
    """
    font, height = _font(size), _height(width)
    while text and font.getlength(text) > width - 4:
        text = text[:-4] + "..." if len(text) > 4 else ""
    picture = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(picture).text((2, height / 2), text, fill=_INK, font=font, anchor="lm")
    return np.asarray(picture)


@functools.lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
