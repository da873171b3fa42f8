"""Contact sheets: pictures with a caption each, page by page, so that many need no more memory than a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nada.images import label_rows, make_grid, save_png

TILES = 100  # on a page
_SMALLEST, _LARGEST = 96, 256  # sides of a tile in pixels
_STRIP, _SIZE = 16, 12  # height of a caption and of its letters
_WHITE, _INK = (255, 255, 255), (40, 40, 40)


def tile_of(picture: np.ndarray) -> np.ndarray:
    """A picture `(H, W, 3)` in a size for a sheet: small ones enlarged by a whole factor, large ones made smaller."""
    side = picture.shape[0]
    if side > _LARGEST:
        height = max(1, round(_LARGEST * side / max(picture.shape[:2])))
        width = max(1, round(_LARGEST * picture.shape[1] / max(picture.shape[:2])))
        return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))
    factor = -(-_SMALLEST // side)
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def captioned(tile: np.ndarray, caption: str) -> np.ndarray:
    """A tile with a line of text below, cut to its width."""
    font = ImageFont.load_default(size=_SIZE)
    while caption and font.getlength(caption) > tile.shape[1]:
        caption = caption[:-2].rstrip() + "…" if len(caption) > 2 else ""
    strip = Image.new("RGB", (tile.shape[1], _STRIP), _WHITE)
    ImageDraw.Draw(strip).text((1, 0), caption, fill=_INK, font=font)
    return np.concatenate([tile, np.asarray(strip)])


def contact_sheet(pictures: Sequence[np.ndarray], captions: Sequence[str], columns: int) -> np.ndarray:
    """One picture of many `(H, W, 3)`, in rows of `columns`, each above its caption."""
    cells = [captioned(tile_of(picture), caption) for picture, caption in zip(pictures, captions, strict=True)]
    return make_grid(np.stack(cells), columns, padding=4)


class Sheets:
    """Pages of a contact sheet in a folder, `grid.png` or `grid-001.png`, `grid-002.png`, …; each written when it is full.

    Args:
        count: how many pictures there will be.
        columns: pictures in a row; a row is never divided between two pages.
    """

    def __init__(self, out: Path, stem: str, count: int, columns: int) -> None:
        self._out, self._stem, self._columns = out, stem, columns
        self._page = max(1, TILES // columns) * columns
        self._pages = -(-count // self._page)
        self._tiles: list[np.ndarray] = []
        self._captions: list[str] = []
        self.written: list[Path] = []

    def add(self, picture: np.ndarray, caption: str) -> None:
        """Add the next picture, uint8 `(H, W, 3)`."""
        self._tiles.append(tile_of(picture))
        self._captions.append(caption)
        if len(self._tiles) == self._page:
            self.close()

    def close(self) -> None:
        """Write the page that has begun, if one has."""
        if self._tiles:
            number = f"-{len(self.written) + 1:03d}" if self._pages > 1 else ""
            sheet = self._draw(self._tiles, self._captions)
            self.written.append(save_png(self._out / f"{self._stem}{number}.png", sheet))
            self._tiles, self._captions = [], []

    def _draw(self, tiles: list[np.ndarray], captions: list[str]) -> np.ndarray:
        return contact_sheet(tiles, captions, self._columns)


class PairSheets(Sheets):
    """Pages with the pictures before above those after, as a run's `before-after.png`; they are added in turn."""

    def __init__(self, out: Path, count: int, in_row: int = 8) -> None:
        super().__init__(out, "before-after", count, 2 * min(in_row, count // 2))

    def _draw(self, tiles: list[np.ndarray], captions: list[str]) -> np.ndarray:
        width = self._columns
        bands = [np.stack(tiles[start : start + width]) for start in range(0, len(tiles), width)]
        rows = [row for band in bands for row in (band[::2], band[1::2])]
        return label_rows(rows, ["before", "after"] * len(bands), scale=1)
