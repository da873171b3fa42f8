"""The range contract of pictures, and everything that turns one kind into another.

Inside the package pictures are tensors `(N, 3, H, W)` in [-1, 1]; outside they are uint8 arrays `(N, H, W, 3)`.
Only `to_uint8` and `from_uint8` cross that border, and each undoes the other exactly.
"""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps, PngImagePlugin
from torch import Tensor
from torch.nn import functional

from nada.errors import NadaError, UsageError
from nada.files import write_bytes

FILTERS = ("bicubic", "bilinear", "area", "nearest")
MAX_PIXELS = 100_000_000
_WHITE = 255
_TILE = 128  # before/after pictures enlarge their tiles by a whole factor up to about this many pixels


def to_uint8(images: Tensor) -> np.ndarray:
    """Images `(N, 3, H, W)` or grey `(N, 1, H, W)` in [-1, 1] to uint8 `(N, H, W, 3)`: floor(x * 127.5 + 128), clamped.

    The rounding is the one of NVIDIA's StyleGAN code, so that pictures compare byte for byte. NaN becomes 0.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise NadaError(f"pictures must have the shape (N, 3, H, W), not {tuple(images.shape)}.")
    levels = torch.nan_to_num(images.detach().float() * 127.5 + 128, nan=0.0)
    array = levels.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return array if array.shape[3] == 3 else array.repeat(3, axis=3)


def from_uint8(array: np.ndarray) -> Tensor:
    """uint8 `(N, H, W, 3)` or `(H, W, 3)` to float32 images `(N, 3, H, W)` in [-1, 1]."""
    array = np.asarray(array)
    if array.ndim == 3:
        array = array[None]
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[3] != 3:
        raise NadaError(f"pictures must be uint8 (N, H, W, 3), not {array.dtype} {array.shape}.")
    pixels = torch.from_numpy(np.ascontiguousarray(array)).permute(0, 3, 1, 2)
    return (pixels.float() / 127.5 - 1).contiguous()


def resize(images: Tensor, size: int | tuple[int, int], filter: str = "bicubic", antialias: bool = True) -> Tensor:
    """Resize images `(N, C, H, W)` to `size` (a side, or height and width), differentiably.

    `antialias` widens the bicubic and bilinear filters when they shrink; "area" is a box filter and needs no such
    thing, "nearest" has none. Values may leave [-1, 1] a little with "bicubic", as the filter has negative lobes.
    Raises UsageError for an unknown filter.
    """
    if filter not in FILTERS:
        raise UsageError(f"unknown resize filter {filter!r}; choose from {', '.join(FILTERS)}.")
    target = (size, size) if isinstance(size, int) else tuple(size)
    if tuple(images.shape[-2:]) == target:
        return images
    if filter in ("area", "nearest"):
        return functional.interpolate(images, target, mode="nearest-exact" if filter == "nearest" else filter)
    return functional.interpolate(images, target, mode=filter, antialias=antialias, align_corners=False)


def make_grid(array: np.ndarray, columns: int, padding: int = 2) -> np.ndarray:
    """Lay uint8 `(N, H, W, 3)` out in rows of `columns`, white gaps between: `(H', W', 3)`. N must be at least 1."""
    if array.ndim != 4 or not len(array) or columns < 1:
        raise NadaError(f"a grid needs pictures (N, H, W, 3) and a column, not {array.shape} in {columns} columns.")
    count, height, width, _ = array.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    grid = np.full((rows * (height + padding) - padding, columns * (width + padding) - padding, 3), _WHITE, np.uint8)
    for index, picture in enumerate(array):
        top, left = (index // columns) * (height + padding), (index % columns) * (width + padding)
        grid[top : top + height, left : left + width] = picture
    return grid


@functools.cache
def formats() -> tuple[str, ...]:
    """The kinds of pictures that are opened. Pillow knows more, one of which is a program that it has others run."""
    Image.init()
    known = ("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
    return tuple(name for name in known if name in Image.OPEN)


def load_image(source: str | Path | bytes, name: str | None = None, background: str = "white") -> np.ndarray:
    """Read a picture from a file or from bytes as uint8 RGB `(H, W, 3)`, upright, transparency on the background.

    Palettes, CMYK, 1-bit, 16-bit and float pictures are converted; of an animation the first frame is taken. `name`
    stands in messages for a picture given as bytes. Raises NadaError naming the picture when it is missing, is not a
    picture, is cut short, or has more than 100 million pixels.
    """
    name = name or ("the picture" if isinstance(source, bytes) else str(source))
    try:
        with warnings.catch_warnings():
            # Pillow warns of its own limit and refuses at twice that; ours, checked before decoding, is stricter.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=formats()) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise _too_large(name)
                image.load()
                return _to_rgb(_upright(image), background)
    except NadaError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise NadaError(f"cannot read {name}: {error.strerror}.") from error
    except Image.UnidentifiedImageError as error:
        raise NadaError(f"{name} is not a picture; PNG, JPEG, WebP, GIF, BMP and TIFF can be read.") from error
    except Exception as error:  # Pillow's decoders raise a dozen types on damaged data
        raise NadaError(f"{name} is damaged or cut short and cannot be read as a picture ({error}).") from error


def _too_large(name: str) -> NadaError:
    return NadaError(f"{name} has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller first.")


def _upright(image: Image.Image) -> Image.Image:
    """A picture that has been decoded, turned as its EXIF says; as it is stored where the EXIF itself is damaged."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # Pillow's readers raise a dozen types on damaged data
        return image


def _to_rgb(image: Image.Image, background: str) -> np.ndarray:
    if image.mode in ("F", "I") or image.mode.startswith("I;"):
        return _deep_grey_to_rgb(image)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, background)
        image = Image.alpha_composite(ground, image)
    return np.array(image.convert("RGB"))


def _deep_grey_to_rgb(image: Image.Image) -> np.ndarray:
    """Grey of more than 8 bits. Pillow's own conversion clips at 255 and so paints such pictures white."""
    values = np.asarray(image).astype(np.float64)
    if image.mode == "F":
        scale = 255 if np.nanmax(values, initial=0) <= 1 else 1
        values = np.nan_to_num(values) * scale
    elif image.mode.startswith("I;16") or values.max(initial=0) > 255:
        values = values / 257
    grey = np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def encode_png(array: np.ndarray, text: Mapping[str, str] | None = None, level: int = 6) -> bytes:
    """uint8 `(H, W, 3)` as the bytes of a PNG; `text` becomes its metadata (key to value, both strings).

    `level` is how hard it is compressed, 0 to 9.
    """
    information = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        information.add_itxt(key, value)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, format="PNG", pnginfo=information, compress_level=level)
    return buffer.getvalue()


def save_png(path: str | Path, array: np.ndarray, text: Mapping[str, str] | None = None, level: int = 6) -> Path:
    """Write uint8 `(H, W, 3)` as a PNG, whole or not at all; arguments as of `encode_png`. Raises NadaError."""
    return write_bytes(path, encode_png(array, text, level))


def label_rows(rows: Sequence[np.ndarray], labels: Sequence[str], scale: int | None = None) -> np.ndarray:
    """One picture `(H', W', 3)`: each row of pictures `(N, H, W, 3)` under its caption, on white.

    Small pictures are enlarged by the whole factor `scale` (by default to about 128 pixels) without smoothing.
    """
    strips = []
    for row, label in zip(rows, labels, strict=True):
        factor = scale or max(1, _TILE // row.shape[1])
        tiles = row.repeat(factor, axis=1).repeat(factor, axis=2)
        grid = make_grid(tiles, columns=len(tiles), padding=4)
        strips += [_caption(label, grid.shape[1]), grid]
    width = max(strip.shape[1] for strip in strips)
    strips = [np.pad(s, [(0, 0), (0, width - s.shape[1]), (0, 0)], constant_values=_WHITE) for s in strips]
    margin = [(4, 12), (12, 12), (0, 0)]
    return np.pad(np.concatenate(strips), margin, constant_values=_WHITE)


def before_after(
    source: np.ndarray,
    adapted: np.ndarray,
    labels: tuple[str, str] = ("source", "adapted"),
    scale: int | None = None,
) -> np.ndarray:
    """The source row above the adapted row, both `(N, H, W, 3)` of the same latents, with captions: `(H', W', 3)`."""
    return label_rows([source, adapted], labels, scale)


def _caption(text: str, width: int, size: int = 18) -> np.ndarray:
    """A white strip `(height, width, 3)` with the text, wrapped to the width."""
    font = ImageFont.load_default(size=size)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    height = max(1, len(lines)) * (size + 4) + 12
    strip = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(strip).multiline_text((0, 6), "\n".join(lines), fill=(40, 40, 40), font=font, spacing=4)
    return np.asarray(strip)
