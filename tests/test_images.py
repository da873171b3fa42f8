"""The range contract, resizing, grids, and reading whatever people have in their folders."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nada import images
from nada.errors import NadaError, UsageError


def encoded(picture: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def test_every_byte_survives_the_way_there_and_back() -> None:
    array = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    tensor = images.from_uint8(array)
    assert tensor.shape == (1, 3, 16, 16) and tensor.min() == -1 and tensor.max() == 1
    assert np.array_equal(images.to_uint8(tensor), array)
    assert images.from_uint8(array[0]).shape == (1, 3, 16, 16)


def test_values_out_of_range_are_clipped_and_halves_round_up() -> None:
    values = torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0]).reshape(1, 1, 1, 5).repeat(1, 3, 1, 1)
    assert images.to_uint8(values)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_resize_is_pillows_antialiased_bicubic() -> None:
    array = np.random.RandomState(0).randint(0, 256, (40, 40), np.uint8)
    ours = images.resize(torch.from_numpy(array).float()[None, None], 16)
    theirs = np.asarray(Image.fromarray(array.astype(np.float32), "F").resize((16, 16), Image.BICUBIC))
    assert np.abs(ours[0, 0].numpy() - theirs).max() < 0.5
    aliased = images.resize(torch.from_numpy(array).float()[None, None], 16, antialias=False)
    assert np.abs(aliased[0, 0].numpy() - theirs).max() > 5


@pytest.mark.parametrize("filter", ["bicubic", "bilinear", "area"])
def test_resize_passes_gradients(filter: str) -> None:
    x = torch.randn(1, 3, 12, 12, requires_grad=True)
    images.resize(x, (5, 7), filter).sum().backward()
    assert x.grad.abs().sum() > 0
    with pytest.raises(UsageError, match="choose from"):
        images.resize(x, 5, "sinc")


def test_grid_puts_pictures_in_rows() -> None:
    pictures = np.stack([np.full((4, 6, 3), value, np.uint8) for value in (10, 20, 30)])
    grid = images.make_grid(pictures, columns=2, padding=2)
    assert grid.shape == (10, 14, 3)
    assert grid[0, 0, 0] == 10 and grid[0, 8, 0] == 20 and grid[6, 0, 0] == 30 and grid[6, 8, 0] == 255
    with pytest.raises(NadaError):
        images.make_grid(pictures[:0], columns=2)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "LA", "RGBA", "YCbCr"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    red = Image.new("RGB", (6, 4), (200, 30, 40)).convert(mode)
    data = encoded(red, "TIFF" if mode in ("CMYK", "YCbCr") else "PNG")
    array = images.load_image(data)
    assert array.shape == (4, 6, 3) and array.dtype == np.uint8
    if mode in ("RGB", "RGBA", "CMYK"):
        assert np.abs(array[0, 0].astype(int) - (200, 30, 40)).max() <= 2


def test_transparency_stands_on_white_and_the_camera_is_turned_upright(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    assert images.load_image(encoded(clear)).min() == 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(tmp_path / "turned.jpg", exif=exif)
    assert images.load_image(tmp_path / "turned.jpg").shape == (6, 4, 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_damaged_exif_costs_no_picture(kind: str) -> None:
    data = encoded(Image.new("RGB", (6, 4), "red"), kind, exif=b"Exif\0\0garbage")
    assert images.load_image(data).shape == (4, 6, 3)
    with pytest.raises(NadaError, match="cut short|not a picture"):
        images.load_image(data[: len(data) // 2])


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    deep = Image.fromarray(np.array([[0, 32896, 65535]], np.uint16))
    assert images.load_image(encoded(deep))[0, :, 0].tolist() == [0, 128, 255]


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (3, 3), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert images.load_image(data)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", encoded(Image.new("RGB", (64, 64), "red"))[:60]])
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.png").write_bytes(content)
    with pytest.raises(NadaError, match="odd.png"):
        images.load_image(tmp_path / "odd.png")
    with pytest.raises(NadaError, match="row 7"):
        images.load_image(content, name="row 7")


def test_a_missing_picture_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="none.png"):
        images.load_image(tmp_path / "none.png")
    with pytest.raises(NadaError, match="cannot read"):
        images.load_image(tmp_path)


@pytest.mark.parametrize("side", [10_001, 20_000])
def test_a_decompression_bomb_is_refused_without_decoding_and_without_a_warning(side: int) -> None:
    bomb = encoded(Image.new("1", (side, side)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NadaError, match="100 million pixels"):
            images.load_image(bomb)


def test_png_carries_its_settings(tmp_path: Path) -> None:
    array = np.random.RandomState(0).randint(0, 256, (5, 7, 3), np.uint8)
    images.save_png(tmp_path / "x.png", array, {"nada": '{"seed": 3, "target": "Ümläut"}'})
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.text["nada"] == '{"seed": 3, "target": "Ümläut"}'
    assert np.array_equal(images.load_image(tmp_path / "x.png"), array)


def test_before_above_after_enlarged_and_labelled() -> None:
    source, adapted = (np.full((3, 64, 64, 3), value, np.uint8) for value in (0, 100))
    picture = images.before_after(source, adapted, ("source: photo", "adapted: sketch"))
    assert picture.shape[1] >= 3 * 128 and picture.dtype == np.uint8
    dark = [row for row in range(len(picture)) if (picture[row] == 0).mean() > 0.8]
    grey = [row for row in range(len(picture)) if (picture[row] == 100).mean() > 0.8]
    assert len(dark) == len(grey) == 128 and max(dark) < min(grey)
