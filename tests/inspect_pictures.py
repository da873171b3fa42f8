"""Pictures that tests of the inspection make: like no other, of any size, encoded as one likes."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def noise(seed: int, width: int = 40, height: int = 40, grey: bool = False) -> Image.Image:
    """A picture like no other: a smooth random field."""
    field = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    if grey:
        field[..., 1:] = field[..., :1]
    return Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    """The bytes of a picture file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()
