"""Making pictures of any shape squares of one size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageColor

from nada.errors import UsageError

FITS = ("crop", "pad", "stretch")
FILTER = "lanczos"  # as Pillow has it: widened when it shrinks, so that nothing aliases
_LARGEST = 8192


@dataclass(frozen=True)
class Fit:
    """How a picture becomes a square of `size` pixels.

    Attributes:
        size: the side.
        how: `crop` keeps the central square, `pad` the whole picture inside borders, `stretch` distorts it.
        background: colour of the borders and of what is transparent, as CSS writes it: `white`, `#102030`.
    """

    size: int
    how: str = "crop"
    background: str = "white"

    def __post_init__(self) -> None:
        """Raise UsageError for what makes no sense."""
        if not 1 <= self.size <= _LARGEST:
            raise UsageError(f"the size is between 1 and {_LARGEST} pixels, not {self.size}.")
        if self.how not in FITS:
            raise UsageError(f"pictures are fitted by {', '.join(FITS)}, not by {self.how!r}.")
        try:
            plain = len(ImageColor.getrgb(self.background)) == 3
        except ValueError:
            plain = False
        if not plain:
            raise UsageError(f"{self.background!r} is no colour; write it as white, #102030 or rgb(16,32,48).")

    @property
    def bytes(self) -> int:
        """How much memory a square takes."""
        return 3 * self.size * self.size

    @property
    def colour(self) -> tuple[int, int, int]:
        """The background's red, green and blue."""
        red, green, blue, *_ = ImageColor.getrgb(self.background)
        return red, green, blue

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Turn uint8 `(H, W, 3)` into `(size, size, 3)`."""
        if self.how == "stretch":
            return _resized(image, self.size, self.size)
        return fit_square(image, self.size) if self.how == "crop" else self._padded(image)

    def _padded(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        scale = self.size / max(height, width)
        small = _resized(image, max(1, round(height * scale)), max(1, round(width * scale)))
        square = np.empty((self.size, self.size, 3), np.uint8)
        square[:] = self.colour
        top, left = (self.size - small.shape[0]) // 2, (self.size - small.shape[1]) // 2
        square[top : top + small.shape[0], left : left + small.shape[1]] = small
        return square


def fit_square(image: np.ndarray, size: int) -> np.ndarray:
    """Crop uint8 `(H, W, 3)` to its central square and resize it to `(size, size, 3)`, antialiased (Lanczos)."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _resized(image[top : top + side, left : left + side], size, size)


def _resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    small = Image.fromarray(np.ascontiguousarray(image)).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(small)
