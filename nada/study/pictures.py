"""The pictures of the cells, small enough that a page can hold those of a whole study."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from nada.errors import NadaError
from nada.images import encode_png, load_image
from nada.study.cell import PICTURES
from nada.study.folders import folder_of
from nada.study.results import Cell, Place, Results

MAX_BYTES = 2_500_000  # of all pictures of a page, as base 64
_PIXELATED = 64  # up to this height pictures are shown enlarged without smoothing
_PROBES = 8


class Strip(NamedTuple):
    """The latents of a cell in a row, as a data URI, with its size in pixels."""

    source: str
    width: int
    height: int

    @property
    def small(self) -> bool:
        """Whether its pixels should be shown as they are."""
        return self.height <= _PIXELATED


class Form(NamedTuple):
    """How strips are kept: their largest height, and JPEG's quality, or None for PNG, which loses nothing."""

    height: int
    quality: int | None


_FORMS = (
    Form(128, None),
    Form(128, 92),
    Form(128, 82),
    Form(96, 82),
    Form(64, 82),
    Form(64, 65),
    Form(48, 60),
    Form(32, 50),
)


def read_strips(out: Path, results: Results, most: int = MAX_BYTES) -> dict[Place, Strip]:
    """Return the pictures of all good cells, all kept in the same form, the best one that fits.

    Cells without pictures are left out; so are those of the last seeds where even the smallest form is too large.

    Args:
        most: how many bytes all of them may take.
    """
    cells = sorted(
        (cell for cell in results.cells if cell.error is None and (folder_of(out, cell.record) / PICTURES).is_file()),
        key=lambda cell: -1 if cell.place.seed is None else results.seeds.index(cell.place.seed),
    )
    if not cells:
        return {}
    probes = [array for cell in cells[:: max(1, len(cells) // _PROBES)] if (array := _read(out, cell)) is not None]
    form = _fitting(probes, 0.95 * most / len(cells))
    strips: dict[Place, Strip] = {}
    for place, strip in _encoded(out, cells, form):
        most -= len(strip.source)
        if most < 0:
            break
        strips[place] = strip
    return strips


def _read(out: Path, cell: Cell) -> np.ndarray | None:
    try:
        return load_image(folder_of(out, cell.record) / PICTURES)
    except NadaError:  # a page without one of its rows is better than no page
        return None


def _encoded(out: Path, cells: list[Cell], form: Form) -> Iterator[tuple[Place, Strip]]:
    for cell in cells:
        array = _read(out, cell)
        if array is not None:
            yield cell.place, _strip(array, form)


def _fitting(probes: list[np.ndarray], room: float) -> Form:
    """The first form in which the probes take no more than `room` bytes on average, or the last one."""
    for form in _FORMS:
        sizes = [len(_strip(array, form).source) for array in probes]
        if sum(sizes) <= room * len(sizes):
            return form
    return _FORMS[-1]


def _strip(array: np.ndarray, form: Form) -> Strip:
    image = Image.fromarray(array)
    if image.height > form.height:
        width = max(1, round(image.width * form.height / image.height))
        image = image.resize((width, form.height), Image.Resampling.BOX)
    if form.quality is None:
        data, kind = encode_png(np.asarray(image)), "png"
    else:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=form.quality, subsampling=0, optimize=True)
        data, kind = buffer.getvalue(), "jpeg"
    return Strip(f"data:image/{kind};base64,{base64.b64encode(data).decode()}", image.width, image.height)
