"""Every number of an inspection against small sets whose numbers are known."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from inspect_pictures import encoded, noise
from PIL import Image

from nada.data.inspection import Inspection, as_text, inspect_data, summarise
from nada.data.inspection.charts import Chart, make_charts
from nada.data.inspection.collecting import Collected, collect
from nada.data.inspection.pixels import measure_pixels, name_colour
from nada.data.records import Record
from nada.errors import NadaError


def square_on(ground: tuple[int, ...], mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, (64, 64), ground)
    image.paste(noise(9, 30, 30).convert(mode), (17, 17))
    return image


def bins(chart: Chart | None) -> dict[str, int]:
    assert chart is not None
    return {label: count for label, count in zip(chart.labels, chart.counts.tolist()) if count}


@pytest.fixture(scope="module")
def inspection(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    """Two classes: three pictures in one, two and a broken one in the other; and a file that is none."""
    folder = tmp_path_factory.mktemp("set")
    (folder / "cats").mkdir()
    (folder / "dogs").mkdir()
    turned = Image.Exif()
    turned[0x0112] = 6
    (folder / "cats/a.png").write_bytes(encoded(noise(1, 200, 100)))
    (folder / "cats/b.jpg").write_bytes(encoded(noise(2, 90, 120), "JPEG", exif=turned))
    (folder / "cats/c.png").write_bytes(encoded(noise(3, 64, 64, grey=True)))
    (folder / "dogs/d.png").write_bytes(encoded(noise(4, 64, 64).convert("L")))
    (folder / "dogs/e.gif").write_bytes(
        encoded(noise(5, 32, 48), "GIF", save_all=True, append_images=[noise(6, 32, 48)], duration=50)
    )
    (folder / "dogs/f.png").write_bytes(encoded(noise(7))[:300])
    (folder / "dogs/notes.txt").write_text("hello")
    return inspect_data(folder)


def test_counts_classes_and_what_is_left_out(inspection: Inspection) -> None:
    summary = summarise(inspection)
    assert summary["pictures"] == 5 and summary["charts"]["class"] == {"cats": 3, "dogs": 2}
    assert [broken["name"] for broken in summary["broken"]] == ["dogs/f.png"]
    assert "cut short" in summary["broken"][0]["reason"] and summary["ignored"] == ["dogs/notes.txt"]
    assert summary["bytes"] == sum(
        path.stat().st_size for path in Path(inspection.data).rglob("*.*") if path.name not in ("f.png", "notes.txt")
    )


def test_sizes_are_of_the_files_and_upright(inspection: Inspection) -> None:
    """A camera's picture that is stored lying and shown standing counts as it is shown."""
    table = inspection.collected.table
    assert list(zip(table.width.tolist(), table.height.tolist())) == [(200, 100), (120, 90), (64, 64), (64, 64), (32, 48)]
    assert bins(inspection.chart("size")) == {"64 \u00d7 64": 2, "32 \u00d7 48": 1, "120 \u00d7 90": 1, "200 \u00d7 100": 1}
    assert bins(inspection.chart("aspect")) == {"2:3": 1, "1:1": 2, "4:3": 1, "2:1": 1}
    assert bins(inspection.chart("side")) == {"32\u201347 px": 1, "64\u201395 px": 3, "96\u2013127 px": 1}
    assert summarise(inspection)["width"] == {"min": 32, "p5": 38.4, "median": 64, "p95": 184, "max": 200, "mean": 96}


def test_formats_modes_colours_and_frames(inspection: Inspection) -> None:
    summary = summarise(inspection)
    assert summary["charts"]["format"] == {"PNG": 3, "JPEG": 1, "GIF": 1}
    assert summary["charts"]["mode"] == {"RGB": 3, "grey": 1, "palette": 1}
    assert summary["charts"]["colour"] == {"colour": 3, "black and white": 2}
    assert summary["black_and_white"] == 2 and summary["animated"] == 1 and summary["one_colour"] == 0


def test_the_rows_of_a_chart_say_what_its_counts_say(inspection: Inspection) -> None:
    for chart in inspection.charts:
        assert chart.counts.sum() == 5 and chart.rows.shape == (5,)
    grey = inspection.chart("colour").labels.index("black and white")
    assert (inspection.chart("colour").rows == grey).tolist() == [False, False, True, True, False]


@pytest.mark.parametrize(
    ("colour", "name"),
    [((255, 255, 255), "white"), ((235, 232, 230), "white"), ((150, 150, 152), "grey"), ((20, 25, 30), "black"),
     ((220, 20, 30), "red"), ((250, 150, 20), "orange"), ((120, 70, 20), "brown"), ((250, 230, 40), "yellow"),
     ((40, 160, 60), "green"), ((40, 200, 210), "cyan"), ((30, 60, 220), "blue"), ((130, 40, 200), "purple"),
     ((240, 90, 170), "pink"), ((200, 20, 21), "red")],
)  # fmt: skip
def test_colours_have_names(colour: tuple[int, int, int], name: str) -> None:
    assert name_colour(*colour) == name


@pytest.mark.parametrize(
    ("image", "name"),
    [(square_on((255, 255, 255)), "white"), (square_on((30, 60, 220)), "blue"), (noise(1, 64, 64), "not plain"),
     (square_on((0, 0, 0, 0), "RGBA"), "transparent"), (square_on((200, 20, 20, 255), "RGBA"), "red")],
)  # fmt: skip
def test_backgrounds(image: Image.Image, name: str) -> None:
    assert bins(chart_of([Record("a.png", encoded(image), None)], "background")) == {name: 1}


def chart_of(records: list[Record], key: str) -> Chart:
    return next(chart for chart in make_charts(collect(records)) if chart.key == key)


def test_a_small_spot_of_colour_is_colour_and_jpeg_noise_is_none() -> None:
    spot = noise(1, 256, 256, grey=True)
    spot.paste((255, 0, 0), (10, 10, 40, 40))
    noisy = encoded(noise(2, 256, 256, grey=True), "JPEG", quality=40)
    tinted = np.asarray(noise(3, 64, 64, grey=True)) // 2 + np.array([9, 3, 0], np.uint8)
    data = {"spot.png": encoded(spot), "noisy.jpg": noisy, "tinted.png": encoded(Image.fromarray(tinted))}
    assert chart_of([Record(name, bytes, None) for name, bytes in data.items()], "colour").rows.tolist() == [1, 0, 0]


def test_colourfulness_and_brightness_as_their_formulas_say() -> None:
    """Half red, half green: rg is 255 or -255, yb is 127.5 everywhere."""
    small = np.zeros((2, 64, 64, 3), np.uint8)
    small[0, :, :32, 0] = small[0, :, 32:, 1] = 255
    small[1] = 51
    measured = measure_pixels(small, np.zeros(2, bool))
    assert measured.colourfulness == pytest.approx([255 + 0.3 * 127.5, 0], abs=1e-2)
    assert measured.brightness == pytest.approx([(0.299 + 0.587) / 2, 0.2], abs=1e-5)


def test_large_jpegs_are_measured_like_small_ones() -> None:
    """They are decoded at a fraction of their size; a cut one is broken all the same."""
    data = encoded(noise(3, 1400, 1000), "JPEG", quality=95)
    small = encoded(noise(3, 350, 250), "JPEG", quality=95)
    found = collect(
        [Record("large.jpg", data, None), Record("small.jpg", small, None), Record("cut.jpg", data[:9000], None)]
    )
    assert found.table.width.tolist() == [1400, 350] and [broken.name for broken in found.broken] == ["cut.jpg"]
    assert np.abs(found.table.signature[0].astype(int) - found.table.signature[1]).max() <= 2


def test_many_pictures_keep_their_order_and_their_places() -> None:
    """Threads look at chunks of pictures; rows must still be those of the source, broken ones left out."""
    records = [Record(f"{n}", b"" if n % 7 == 3 else encoded(noise(n, 10 + n, 9)), None, f"{n}") for n in range(300)]
    found: Collected = collect(iter(records))
    kept = [n for n in range(300) if n % 7 != 3]
    assert found.table.place.tolist() == kept and found.table.width.tolist() == [10 + n for n in kept]
    assert found.names == [str(n) for n in kept] and len(found.broken) == 300 - len(kept)
    assert found.shapes.shape == (len(kept), 1024)


def test_damaged_exif_costs_no_picture() -> None:
    data = encoded(noise(1, 48, 32), exif=b"Exif\0\0garbage")
    collected = collect([Record("a.png", data, None)])
    assert not collected.broken and (collected.table.width[0], collected.table.height[0]) == (48, 32)


def test_what_the_source_could_not_read_is_broken_for_its_reason() -> None:
    records = [Record("a", encoded(noise(1)), None), Record("b", b"", None, None, "permission denied.")]
    assert collect(records).broken == [("b", "permission denied")]


def test_a_class_without_pictures_is_told(tmp_path: Path) -> None:
    noise(1).save(tmp_path / "a.png")
    noise(2).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"broken")
    labels = {"labels": [["a.png", 0], ["b.png", 1], ["c.png", 2]], "label_names": ["x", "y", "z"]}
    (tmp_path / "dataset.json").write_text(json.dumps(labels))
    findings = [finding["text"] for finding in summarise(inspect_data(tmp_path))["findings"]]
    assert "1 class has no picture that can be read." in findings
    labels["labels"] = [["c.png", 2]]  # and none of those that can be read is in any class
    (tmp_path / "dataset.json").write_text(json.dumps(labels))
    findings = [finding["text"] for finding in summarise(inspect_data(tmp_path))["findings"]]
    assert "3 classes have no picture that can be read." in findings


def test_a_zip_gives_short_names_and_the_text_says_what_was_found(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/a.png", encoded(noise(1)))
        archive.writestr("y/b.png", encoded(noise(1)))
        archive.writestr("y/c.png", b"nothing")
    inspection = inspect_data(tmp_path / "a.zip", seed=3)
    summary = json.loads(json.dumps(summarise(inspection)))
    assert sorted(summary["samples"]) == ["x/a.png", "y/b.png"]
    assert summary["duplicates"]["groups"] == [
        {"pictures": ["x/a.png", "y/b.png"], "identical": True, "classes_differ": True}
    ]
    text = as_text(summary)
    assert "2 (" in text and "1 broken" in text and "1 exact copy" in text and "y/c.png: is not a picture" in text
    assert "! 1 group of duplicates lies in more than one class" in text


def test_samples_follow_the_seed(tmp_path: Path) -> None:
    for n in range(30):
        noise(n).save(tmp_path / f"{n:02}.png")
    first, again, other = (inspect_data(tmp_path, samples=10, seed=seed).samples for seed in (0, 0, 1))
    assert first == again != other and len(set(first)) == 10


def test_sizes_that_nearly_agree_share_a_bubble() -> None:
    """Ten thousand different sizes must not become ten thousand circles."""
    rng = np.random.default_rng(0)
    one = collect([Record("a", encoded(noise(1)), None)])
    columns = {name: np.repeat(column, 5000, axis=0) for name, column in vars(one.table).items()}
    columns |= {"width": rng.integers(100, 4000, 5000), "height": rng.integers(100, 4000, 5000)}
    sizes = make_charts(Collected(type(one.table)(**columns), *list(vars(one).values())[1:]))[0]
    assert sizes.key == "size" and len(sizes.labels) <= 250 and sizes.counts.sum() == 5000
    assert sizes.labels[0].startswith("about ")


@pytest.mark.parametrize("content", [None, b"nothing"])
def test_nothing_to_look_at_is_one_clear_error(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(NadaError, match="none of the 1 pictures" if content else "there is no picture"):
        inspect_data(tmp_path)
