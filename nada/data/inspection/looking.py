"""One look at one picture: what its header says, and a small copy of it that everything else is measured on."""

from __future__ import annotations

import hashlib
import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from nada.data.decoding import large_one_alone
from nada.data.records import Record
from nada.errors import NadaError
from nada.images import MAX_PIXELS, formats, load_image

SIDE = 64  # of the small copy; a spot of colour that is gone at this size does not make a picture colourful
_TURNED = (5, 6, 7, 8)  # the values of EXIF's orientation that swap width and height
_ORIENTATION = 0x0112
_LARGE = 1_000_000  # pixels from which a JPEG is decoded at a fraction of its size, several times faster
_CLEAR = 128  # a border whose mean opacity is below this counts as transparent


class Look(NamedTuple):
    """What one picture shows of itself. `small (64, 64, 3)` is uint8 RGB on white; `digest` is of the file's bytes."""

    label: str | None
    text: str | None
    file_bytes: int
    digest: int
    width: int
    height: int
    format: str
    mode: str
    animated: bool
    clear_border: bool
    small: np.ndarray


def look_at(record: Record) -> Look:
    """Read the header, decode the picture once and shrink it. Raises NadaError where that is impossible."""
    with _open(record) as image:
        header = _read_header(image, record.name)
        small, clear = _shrink(image, record)
    digest = int.from_bytes(hashlib.blake2b(record.data, digest_size=8).digest(), "little")
    return Look(record.label, record.text, len(record.data), digest, *header, clear, small)


def _open(record: Record) -> Image.Image:
    try:
        return Image.open(io.BytesIO(record.data), formats=formats())
    except Exception:  # whatever is wrong with it, load_image says it in a sentence
        load_image(record.data, record.name)
        raise NadaError(f"{record.name} has a damaged header.") from None


def _read_header(image: Image.Image, name: str) -> tuple[int, int, str, str, bool]:
    """Width and height as shown (upright), format, mode, and whether it has several frames; nothing is decoded."""
    try:
        width, height = image.size
        if _is_turned(image):
            width, height = height, width
        animated = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
        return width, height, image.format or "unknown", image.mode, animated
    except Exception as error:  # Pillow's plugins raise a dozen types on damaged data
        raise NadaError(f"{name} has a damaged header ({error}).") from error


def _is_turned(image: Image.Image) -> bool:
    try:
        return "exif" in image.info and image.getexif().get(_ORIENTATION) in _TURNED
    except Exception:  # as below; where the EXIF itself is damaged, load_image shows the picture as it is stored
        return False


def _shrink(image: Image.Image, record: Record) -> tuple[np.ndarray, bool]:
    """The small copy on white, and whether the border of the picture is transparent."""
    pixels = image.width * image.height
    if image.format == "JPEG" and image.mode in ("RGB", "L") and _LARGE < pixels <= MAX_PIXELS:
        return _as_small(_decode_reduced(image, record.name)), False
    with large_one_alone(pixels):
        clear = image.has_transparency_data and pixels <= MAX_PIXELS and _has_clear_border(image, record.name)
        return _as_small(Image.fromarray(load_image(record.data, record.name))), clear


def _as_small(image: Image.Image) -> np.ndarray:
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0))


def _decode_reduced(image: Image.Image, name: str) -> Image.Image:
    """A JPEG at an eighth to a half of its size, straight from its coefficients; a damaged one still shows."""
    try:
        image.draft("RGB", (4 * SIDE, 4 * SIDE))
        return ImageOps.exif_transpose(image).convert("RGB")
    except Exception as error:  # Pillow's decoders raise a dozen types on damaged data
        raise NadaError(f"{name} is damaged or cut short and cannot be read as a picture ({error}).") from error


def _has_clear_border(image: Image.Image, name: str) -> bool:
    try:
        opacity = image.convert("RGBA").getchannel("A").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    except Exception as error:  # as above
        raise NadaError(f"{name} is damaged or cut short and cannot be read as a picture ({error}).") from error
    return bool(np.asarray(opacity)[border_mask()].mean() < _CLEAR)


def border_mask() -> np.ndarray:
    """The outer two rows and columns of a small copy, as a mask `(64, 64)`."""
    mask = np.ones((SIDE, SIDE), bool)
    mask[2:-2, 2:-2] = False
    return mask
