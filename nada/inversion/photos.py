"""Photographs as a generator sees them: of any format and shape, cropped or padded to its square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from nada.data.decoding import in_order, large_one_alone, pixels_of, without_warnings
from nada.data.fitting import Fit, fit_square
from nada.data.records import Record
from nada.data.sources import read_picture
from nada.errors import NadaError, UsageError
from nada.images import from_uint8, load_image

FITS = ("crop", "pad")


@dataclass(frozen=True)
class Framing:
    """How a photograph becomes a square of `size` pixels.

    Attributes:
        size: the side, that of the generator.
        how: "crop" takes the largest square about `centre`, "pad" the whole picture inside borders.
        background: colour of the borders and of what is transparent.
        box: left, top, width and height in pixels of the part to look at, before anything else; None for all.
        centre: where the middle of the crop should be, as shares of width and height; it moves as far as the picture
            goes. Nothing to "pad".
    """

    size: int
    how: str = "crop"
    background: str = "white"
    box: tuple[int, int, int, int] | None = None
    centre: tuple[float, float] = (0.5, 0.5)

    def __post_init__(self) -> None:
        """Raise UsageError for what makes no sense."""
        if self.how not in FITS:
            raise UsageError(f"Photographs are fitted by {' or '.join(FITS)}, not by {self.how!r}.")
        Fit(self.size, self.how, self.background)
        if self.box is not None and (min(self.box) < 0 or min(self.box[2:]) < 1):
            raise UsageError(f"A box is left, top, width, height in pixels, as 10,0,200,200, not {self.box}.")
        if not all(0 <= share <= 1 for share in self.centre):
            raise UsageError(f"A centre is two shares of width and height, as 0.5,0.4, not {self.centre}.")

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Turn uint8 `(H, W, 3)` into `(size, size, 3)`. Raises NadaError where the box is not inside."""
        if self.box is not None:
            image = self._boxed(image)
        if self.how == "pad":
            return Fit(self.size, "pad", self.background).apply(image)
        height, width = image.shape[:2]
        side = min(height, width)
        left = _start(self.centre[0] * width, side, width)
        top = _start(self.centre[1] * height, side, height)
        return fit_square(image[top : top + side, left : left + side], self.size)

    def _boxed(self, image: np.ndarray) -> np.ndarray:
        left, top, across, down = self.box
        height, width = image.shape[:2]
        if left + across > width or top + down > height:
            raise NadaError(f"the box {left},{top},{across},{down} is not inside its {width}x{height} pixels.")
        return image[top : top + down, left : left + across]


def _start(centre: float, side: int, length: int) -> int:
    """Where `side` pixels about `centre` begin, moved so that they lie within `length`."""
    return min(max(round(centre - side / 2), 0), length - side)


class Photos(NamedTuple):
    """Photographs that could be read: their paths and pixels `(N, size, size, 3)`; and for what could not, a sentence."""

    paths: list[Path]
    pixels: list[np.ndarray]
    skipped: dict[str, str]


def read_photo(
    path: str | Path,
    size: int,
    fit: str = "crop",
    *,
    box: tuple[int, int, int, int] | None = None,
    centre: tuple[float, float] = (0.5, 0.5),
    background: str = "white",
) -> Tensor:
    """Read one photograph of any format that Pillow opens as `(1, 3, size, size)` in [-1, 1].

    It is turned as its EXIF says, transparency lies on `background`, CMYK, palettes and 16 bits are converted.
    `path` may also be a picture inside of data, `photos.zip:apple/0001.jpg`. Other arguments are those of `Framing`.

    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as folder:
    ...     Image.new("CMYK", (90, 60)).save(f"{folder}/white.jpg")
    ...     photo = read_photo(f"{folder}/white.jpg", 32, centre=(0.3, 0.5))
    >>> tuple(photo.shape), float(photo.mean()) > 0.98
    ((1, 3, 32, 32), True)

    Raises:
        NadaError: naming the file, where it cannot be read, is too large, or does not hold the box.
        UsageError: for a framing that makes no sense.
    """
    framing = Framing(size, fit, background, box, centre)
    record = Record(str(path), read_picture(path), None)
    return from_uint8(_framed(record, framing))


def read_photos(paths: Sequence[str | Path], framing: Framing) -> Photos:
    """Read many, in threads, in their order; those that cannot be read are told and left out."""
    found = Photos([], [], {})
    with without_warnings():
        for record, result in in_order(lambda record: _framed(record, framing), map(_record, paths)):
            if isinstance(result, NadaError):
                found.skipped[record.name] = str(result)
            else:
                found.paths.append(Path(record.name))
                found.pixels.append(result)
    return found


def _record(path: str | Path) -> Record:
    try:
        return Record(str(path), read_picture(path), None)
    except NadaError as error:
        return Record(str(path), b"", None, None, str(error))


def _framed(record: Record, framing: Framing) -> np.ndarray:
    with large_one_alone(pixels_of(record.data)):
        image = load_image(record.data, record.name, framing.background)
        try:
            return np.array(framing.apply(image))  # Pillow's own memory cannot be written to, which torch warns of
        except NadaError as error:
            raise NadaError(f"{record.name}: {error}") from error
