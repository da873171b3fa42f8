"""Photographs of every kind as squares, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from inversion_fakes import levels
from PIL import Image

from nada.errors import NadaError, UsageError
from nada.images import to_uint8
from nada.inversion.photos import Framing, read_photo, read_photos


def halves(height: int = 20, width: int = 40) -> np.ndarray:
    """Left half red, right half blue."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2, 0] = picture[:, width // 2 :, 2] = 255
    return picture


def save(path: Path, picture: np.ndarray, **options: object) -> Path:
    Image.fromarray(picture).save(path, **options)
    return path


def read(path: Path, **options: object) -> np.ndarray:
    return to_uint8(read_photo(path, 8, **options))[0]


def test_crops_follow_the_centre_as_far_as_the_picture_goes(tmp_path: Path) -> None:
    """Fails for a centre in the wrong order, an off-by-one crop, or one that leaves the picture."""
    path = save(tmp_path / "a.png", halves())
    middle, left, right = (read(path, centre=(x, 0.5)) for x in (0.5, 0.0, 0.9))
    assert middle[:, 0, 0].min() > 250 and middle[:, -1, 2].min() > 250
    assert (left == (255, 0, 0)).all() and (right == (0, 0, 255)).all()
    high = save(tmp_path / "b.png", halves().transpose(1, 0, 2))
    assert (read(high, centre=(0.5, 1.0)) == (0, 0, 255)).all()


def test_a_box_comes_first_and_padding_keeps_everything(tmp_path: Path) -> None:
    """Fails for a box of corners instead of sizes, or borders that cut or distort."""
    path = save(tmp_path / "a.png", halves())
    assert (read(path, box=(22, 1, 10, 12)) == (0, 0, 255)).all()
    padded = read(path, fit="pad", background="#00ff00")
    assert (padded[:2] == (0, 255, 0)).all() and (padded[-2:] == (0, 255, 0)).all()
    assert padded[2:6, 0, 0].min() > 250 and padded[2:6, -1, 2].min() > 250


def test_photographs_of_every_kind_look_alike(tmp_path: Path) -> None:
    """Fails where EXIF is ignored, CMYK is inverted, 16 bits are clipped, or transparency shows what lies under it."""
    picture = halves(16, 16)
    turned = Image.fromarray(np.rot90(picture)).copy()
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    turned.save(tmp_path / "exif.png", exif=exif)
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "cmyk.tif")
    clear = np.dstack([picture, np.repeat([[255] * 8 + [0] * 8], 16, 0).astype(np.uint8)])
    Image.fromarray(clear, "RGBA").save(tmp_path / "clear.webp", lossless=True)
    Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 257).save(tmp_path / "deep.png")
    expected = read(save(tmp_path / "plain.png", picture))
    assert np.abs(read(tmp_path / "exif.png").astype(int) - expected).max() < 3
    assert np.abs(read(tmp_path / "cmyk.tif").astype(int) - expected).max() < 12
    see_through = read(tmp_path / "clear.webp")
    assert np.abs(see_through[:, :2] - np.array([255, 0, 0])).max() < 8 and see_through[:, -2:].min() > 247
    deep = read(tmp_path / "deep.png")
    assert 0 < deep.min() < 20 and 235 < deep.max() < 255


def test_bad_photographs_are_told_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where one bad file ends all, takes another's place, or a bomb is decoded."""
    good = [save(tmp_path / f"{name}.png", levels(seed, 9, 9)) for seed, name in enumerate("ab")]
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(save(tmp_path / "whole.png", levels(3, 50, 50)).read_bytes()[:900])
    bomb = save(tmp_path / "bomb.png", levels(1, 60, 60))
    monkeypatch.setattr("nada.images.MAX_PIXELS", 3000)
    paths = [good[0], tmp_path / "text.jpg", tmp_path / "gone.png", tmp_path / "cut.png", bomb, tmp_path, good[1]]
    found = read_photos(paths, Framing(8))
    assert found.paths == good and len(found.pixels) == 2
    assert found.pixels[1].tobytes() == to_uint8(read_photo(good[1], 8)).tobytes()
    assert list(found.skipped) == [str(path) for path in paths[1:-1]]
    reasons = list(found.skipped.values())
    words = ("is not a picture", "No such file", "cut short", "million pixels", "directory")
    assert all(word in reason for word, reason in zip(words, reasons)), reasons


def test_a_box_outside_the_picture_names_both(tmp_path: Path) -> None:
    path = save(tmp_path / "small.png", levels(0, 9, 12))
    with pytest.raises(NadaError, match=r"small.png: the box 4,0,10,5 is not inside its 12x9 pixels"):
        read(path, box=(4, 0, 10, 5))


@pytest.mark.parametrize("wrong", [{"how": "stretch"}, {"box": (0, 0, 0, 5)}, {"box": (-1, 0, 5, 5)}, {"centre": (0.5, 1.1)},
                                   {"background": "noon"}, {"centre": (float("nan"), 0)}], ids=str)  # fmt: skip
def test_framings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Framing(8, **wrong)
