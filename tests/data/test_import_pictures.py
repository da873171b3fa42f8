"""The import itself: what becomes of every kind of picture, what the result is called and where it is."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from import_cases import described, folder, run
from import_cases import gradients as gradients
from inspect_pictures import encoded
from PIL import Image

from nada.data import load_dataset
from nada.data.fitting import Fit
from nada.data.importing import import_pictures
from nada.data.records import Reading
from nada.errors import NadaError, UsageError
from nada.images import MAX_PIXELS

RED, BLUE = (220, 20, 30), (10, 40, 200)


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def raw_png(width: int, height: int, depth: int, colours: int, rows: bytes) -> bytes:
    """A PNG of one's own making: kinds that Pillow does not write, and sizes that are not true."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colours, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def animation() -> bytes:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def palette() -> bytes:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([0, 0, 0, *RED])
    return encoded(image)


GOOD: dict[str, tuple[bytes, tuple[int, int, int]]] = {
    "animated.gif": (animation(), RED),
    "cmyk.jpg": (encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"), (255, 0, 0)),
    "deep.png": (raw_png(16, 16, 16, 2, (b"\0" + bytes([220, 7, 20, 7, 30, 7]) * 16) * 16), RED),
    "deepgrey.png": (encoded(Image.fromarray(np.full((16, 16), 100 * 257, np.uint16))), (100, 100, 100)),
    "grey.png": (encoded(Image.new("L", (16, 16), 77)), (77, 77, 77)),
    "onebit.png": (encoded(Image.new("1", (16, 16), 1)), (255, 255, 255)),
    "palette.png": (palette(), RED),
    "clear.png": (encoded(Image.new("RGBA", (16, 16), (*BLUE, 0))), (255, 255, 255)),
    "clear.webp": (encoded(Image.new("RGBA", (16, 16), (*BLUE, 255)), "WEBP", lossless=True), BLUE),
    "plain.tif": (encoded(Image.new("RGB", (16, 16), RED), "TIFF"), RED),
}
WHOLE = encoded(Image.effect_noise((64, 64), 80).convert("RGB"))
BAD = {
    "bomb.png": raw_png(60_000, 60_000, 8, 2, b"\0"),
    "empty.png": b"",
    "half.jpg": encoded(Image.effect_noise((64, 64), 80), "JPEG")[:900],
    "half.png": WHOLE[: len(WHOLE) // 2],
    "eps.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n",
    "page.png": b"<!DOCTYPE html><html>not a picture</html>",
}


def test_every_kind_of_picture_arrives_and_every_broken_one_is_named(tmp_path: Path) -> None:
    source = folder(tmp_path / "mixed", {**{name: data for name, (data, _) in GOOD.items()}, **BAD, "x.txt": b"hello"})
    report = run(source, tmp_path / "out.zip")
    data = load_dataset(tmp_path / "out.zip", 16)
    colours = dict(zip(sorted(GOOD), data.images[:, 8, 8].tolist(), strict=True))
    for name, (_, colour) in GOOD.items():
        assert np.abs(np.subtract(colours[name], colour)).max() <= 3, name
    reasons = dict(report.skipped)
    assert list(reasons) == sorted(BAD) and report.pictures == len(GOOD) and report.ignored == ("x.txt",)
    assert f"{MAX_PIXELS // 1_000_000} million pixels" in reasons["bomb.png"] and "not a picture" in reasons["page.png"]
    assert "not a picture" in reasons["eps.png"]  # else Pillow would have run Ghostscript on it
    assert described(tmp_path / "out.zip")["import"]["skipped"] == [[name, reasons[name]] for name in sorted(BAD)]


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    source = folder(tmp_path / "data", {"a.png": WHOLE})
    try:
        (source / "gone.png").symlink_to(tmp_path / "elsewhere.png")
    except OSError:
        pytest.skip("links cannot be made on this machine")
    report = run(source, tmp_path / "out.zip")
    assert report.pictures == 1 and report.skipped == (("gone.png", "cannot read gone.png: No such file or directory"),)


def test_the_zip_is_in_nvidias_layout(gradients: Path, tmp_path: Path) -> None:
    """1000 pictures a folder, numbered without gaps, labels and captions by those names."""
    run(gradients, tmp_path / "out.zip")
    content = described(tmp_path / "out.zip")
    kept = [name for name in sorted(gradients.rglob("*.png")) if name.read_bytes() != b"broken"]
    names = [f"00000/img{number:08d}.png" for number in range(len(kept))]
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == [*names, "dataset.json"]
    assert content["labels"] == [[name, "ab".index(path.parent.name)] for name, path in zip(names, kept)]
    captioned = [(name, path) for name, path in zip(names, kept) if int(path.stem) % 3 == 0]
    assert content["texts"] == [[name, f"number {int(path.stem)}"] for name, path in captioned]
    expected = {"source": "gradients", "size": 16, "fit": "crop", "filter": "lanczos", "pictures": len(kept)}
    assert expected.items() <= content["import"].items() and content["label_names"] == ["a", "b"]


def test_loading_an_import_gives_what_loading_its_source_gives(gradients: Path, tmp_path: Path) -> None:
    """The picture is resized once: importing and then loading changes no pixel, label or caption."""
    run(gradients, tmp_path / "out.zip")
    direct, imported = load_dataset(gradients, 16), load_dataset(tmp_path / "out.zip", 16)
    assert direct.describe()["sha256"] == imported.describe()["sha256"]
    assert direct.texts == imported.texts and direct.class_names == imported.class_names


def test_the_same_input_gives_the_same_bytes(gradients: Path, tmp_path: Path) -> None:
    """Whatever the number of threads, the place of the source and of the result, and the hour."""
    run(gradients, tmp_path / "one.zip", workers=1)
    elsewhere = tmp_path / "elsewhere" / "gradients"
    elsewhere.parent.mkdir()
    gradients.rename(elsewhere)
    for path in elsewhere.rglob("*"):
        os.utime(path, (1, 1))
    run(elsewhere, tmp_path / "many" / "other.zip", workers=7)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "many" / "other.zip").read_bytes()


def test_zips_and_folders_name_skipped_pictures_alike(gradients: Path, tmp_path: Path) -> None:
    """Catches the path of this machine in dataset.json."""
    with zipfile.ZipFile(tmp_path / "gradients.zip", "w") as archive:
        for path in sorted(gradients.rglob("*.*")):
            archive.write(path, path.relative_to(gradients))
    run(gradients, tmp_path / "one.zip")
    run(tmp_path / "gradients.zip", tmp_path / "two.zip")
    one, two = described(tmp_path / "one.zip"), described(tmp_path / "two.zip")
    assert [content["import"].pop("source") for content in (one, two)] == ["gradients", "gradients.zip"]
    assert one == two and str(tmp_path) not in json.dumps([one, two])


def test_the_place_of_the_source_decides_nothing(gradients: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a short name of a folder, `a` or `.`, taken out of the names and reasons of pictures left out."""
    gradients.rename(tmp_path / "a")
    run(tmp_path / "a", tmp_path / "far.zip")
    monkeypatch.chdir(tmp_path)
    run(Path("a"), tmp_path / "near.zip")
    monkeypatch.chdir(tmp_path / "a")
    report = run(Path("."), tmp_path / "here.zip")
    assert report.skipped[0] == ("a/00.png", "is not a picture; PNG, JPEG, WebP, GIF, BMP and TIFF can be read")
    assert len({(tmp_path / f"{name}.zip").read_bytes() for name in ("far", "near", "here")}) == 1
    assert described(tmp_path / "here.zip")["import"]["source"] == "a"


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
def test_fits(tmp_path: Path, how: str) -> None:
    """A red picture, twice as wide as high, with blue ends."""
    wide = np.full((20, 40, 3), RED, np.uint8)
    wide[:, :8], wide[:, -8:] = BLUE, BLUE
    source = folder(tmp_path / "wide", {"a.png": encoded(Image.fromarray(wide))})
    import_pictures(source, tmp_path / "out.zip", Fit(40, how, "#010203"))
    image = load_dataset(tmp_path / "out.zip", 40).images[0]
    middle = image[20, [0, 1, 3, 20, 36, 39]].tolist()
    assert middle[3] == list(RED)
    assert middle[0] == middle[5] == list(RED if how == "crop" else BLUE)
    assert image[0, 20].tolist() == ([1, 2, 3] if how == "pad" else list(RED))
    assert image[9, 20].tolist() == ([1, 2, 3] if how == "pad" else list(RED))


def test_the_background_is_behind_what_is_transparent(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (16, 8), (*BLUE, 0))
    import_pictures(folder(tmp_path / "a", {"a.png": encoded(clear)}), tmp_path / "a.zip", Fit(16, "pad", "rgb(9,8,7)"))
    assert set(map(tuple, load_dataset(tmp_path / "a.zip", 16).images.reshape(-1, 3).tolist())) == {(9, 8, 7)}


@pytest.mark.parametrize("wrong", [{"size": 0}, {"size": 16, "how": "squash"}, {"size": 16, "background": "nocolour"}])
def test_fits_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Fit(**wrong)


def test_a_limit_takes_the_first_ones(gradients: Path, tmp_path: Path) -> None:
    report = run(gradients, tmp_path / "out.zip", limit=7)
    assert report.pictures + len(report.skipped) == 7
    assert report.skipped[0].name == "a/00.png" and report.classes == {"a": report.pictures, "b": 0}


def test_what_cannot_be_imported_leaves_nothing_behind(gradients: Path, tmp_path: Path) -> None:
    broken = folder(tmp_path / "broken", {"a.png": b"x"})
    place = tmp_path / "place"
    with pytest.raises(NadaError, match="none of the 1 pictures .* can be decoded, as a.png"):
        run(broken, place / "out.zip")
    with pytest.raises(NadaError, match="no picture that fits 'z'"):
        run(gradients, place / "out.zip", reading=Reading(include="z"))
    with pytest.raises(UsageError, match="call it out.tar.zip"):
        run(gradients, place / "out.tar")
    with zipfile.ZipFile(tmp_path / "same.zip", "w") as archive:
        archive.writestr("a.png", WHOLE)
    with pytest.raises(UsageError, match="give the result another name"):
        run(tmp_path / "same.zip", tmp_path / "same.zip")
    (gradients / "dataset.json").write_text(json.dumps({"labels": [["a/02.png", 0], ["b/01.png", 1]]}))
    with pytest.raises(NadaError, match="38 pictures have no class while others in"):
        run(gradients, place / "out.zip")
    assert not list(place.glob("*"))
