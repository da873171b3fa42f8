from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nada.data import load_dataset
from nada.data.fitting import fit_square
from nada.errors import NadaError

COLOURS = {"apple": (200, 20, 20), "lemon": (240, 220, 40)}


def png(colour: tuple[int, int, int], size: tuple[int, int] = (12, 12)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def files() -> dict[str, bytes]:
    """Two pictures of each class, one of them for testing."""
    return {f"{name}/{part}-0.png": png(colour) for name, colour in COLOURS.items() for part in ("train", "test")}


def as_folder(path: Path, content: dict[str, bytes]) -> Path:
    for name, data in content.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def as_zip(path: Path, content: dict[str, bytes], description: object = None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
        if description is not None:
            archive.writestr("dataset.json", json.dumps(description))
    return path


def as_parquet(path: Path, columns: dict[str, list], metadata: dict | None = None) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    table = pyarrow.table(columns)
    if metadata is not None:
        table = table.replace_schema_metadata({b"huggingface": json.dumps(metadata).encode()})
    parquet.write_table(table, path)
    return path


def colours_by_class(dataset) -> dict[str, set[tuple[int, ...]]]:
    found: dict[str, set[tuple[int, ...]]] = {}
    for image, label in zip(dataset.images, dataset.labels):
        found.setdefault(dataset.class_names[label], set()).add(tuple(image[0, 0].tolist()))
    return found


EXPECTED = {name: {colour} for name, colour in COLOURS.items()}


def test_a_folder_and_a_zip_of_it_give_the_same_dataset(tmp_path: Path) -> None:
    """Catches an order that depends on the file system, and classes numbered differently."""
    folder = load_dataset(as_folder(tmp_path / "fruit", files()), 8)
    archive = load_dataset(as_zip(tmp_path / "fruit.zip", dict(reversed(files().items()))), 8)
    assert folder.images.shape == (4, 8, 8, 3) and folder.class_names == ("apple", "lemon")
    assert colours_by_class(folder) == EXPECTED
    assert folder.describe() == archive.describe()


def test_include_holds_other_pictures_back(tmp_path: Path) -> None:
    content = {**files(), "apple/train-1.png": png((1, 2, 3))}
    for source in (as_folder(tmp_path / "fruit", content), as_zip(tmp_path / "fruit.zip", content)):
        assert load_dataset(source, 8, "train-*").class_counts() == {"apple": 2, "lemon": 1}
        assert load_dataset(source, 8, "apple/test-*").class_counts() == {}
        with pytest.raises(NadaError, match="no picture that fits 'valid-"):
            load_dataset(source, 8, "valid-*")


def test_labels_of_a_description_outrank_folders(tmp_path: Path) -> None:
    """Catches class numbers taken from the alphabet where dataset.json gives an order of its own."""
    labels = [[name, 0 if name.startswith("lemon") else 1] for name in files()]
    path = as_zip(tmp_path / "a.zip", files(), {"labels": labels, "label_names": ["lemon", "apple"]})
    dataset = load_dataset(path, 8)
    assert dataset.class_names == ("lemon", "apple") and colours_by_class(dataset) == EXPECTED
    unnamed = load_dataset(as_zip(tmp_path / "b.zip", files(), {"labels": labels}), 8)
    assert unnamed.class_names == ("0", "1")
    unlabelled = load_dataset(as_zip(tmp_path / "c.zip", files(), {"labels": None}), 8)
    assert unlabelled.labels is None and unlabelled.class_names == ()


@pytest.mark.parametrize(
    "description",
    [
        {"labels": [["apple/train-0.png", 7]], "label_names": ["a"]},
        {"labels": [["apple/train-0.png"]]},
        {"labels": [["apple/train-0.png", -1]]},
        [1, 2],
    ],
)
def test_a_senseless_description_is_one_clear_error(tmp_path: Path, description: object) -> None:
    with pytest.raises(NadaError, match="dataset.json in .* does not describe labels"):
        load_dataset(as_zip(tmp_path / "a.zip", files(), description), 8)


def test_pictures_without_a_class_among_others_are_an_error(tmp_path: Path) -> None:
    path = as_zip(tmp_path / "a.zip", files(), {"labels": [["apple/train-0.png", 0], ["lemon/train-0.png", 1]]})
    with pytest.raises(NadaError, match="2 pictures have no class"):
        load_dataset(path, 8)


def test_broken_pictures_and_other_files_are_left_out_by_name(tmp_path: Path) -> None:
    whole = png((9, 9, 9), (64, 64))
    extra = {"apple/broken.png": b"no picture", "lemon/short.png": whole[: len(whole) // 2]}
    other = {"apple/notes.txt": b"hello", "apple/.hidden.png": whole}
    content = {**files(), **extra, **other}
    for source in (as_folder(tmp_path / "fruit", content), as_zip(tmp_path / "fruit.zip", content)):
        dataset = load_dataset(source, 8)
        assert len(dataset) == len(dataset.labels) == 4 and colours_by_class(dataset) == EXPECTED
        assert [Path(name).name for name in dataset.skipped] == ["broken.png", "short.png"]
        assert sorted(Path(name).name for name in dataset.ignored) == [".hidden.png", "notes.txt"]


def test_a_damaged_member_does_not_end_the_reading(tmp_path: Path) -> None:
    path = as_zip(tmp_path / "a.zip", files())
    data = path.read_bytes()
    position = data.index(b"\x89PNG") + 20
    path.write_bytes(data[:position] + b"\xff\xff\xff" + data[position + 3 :])
    dataset = load_dataset(path, 8)
    assert len(dataset) == 3 and len(dataset.skipped) == 1


@pytest.mark.parametrize("name", ["missing", "missing.zip", "text.txt", "text.zip", "text.parquet", "empty"])
def test_a_source_that_cannot_be_read_is_one_clear_error(tmp_path: Path, name: str) -> None:
    for file in ("text.txt", "text.zip", "text.parquet"):
        (tmp_path / file).write_text("hello")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NadaError, match=name) as caught:
        load_dataset(tmp_path / name, 8)
    assert "\n" not in str(caught.value)


def test_one_folder_alone_is_no_class(tmp_path: Path) -> None:
    flat = load_dataset(as_folder(tmp_path / "flat", {"a.png": png((1, 1, 1)), "b.png": png((2, 2, 2))}), 8)
    single = load_dataset(as_folder(tmp_path / "single", {"only/a.png": png((1, 1, 1))}), 8)
    assert flat.labels is None and single.labels is None


@pytest.mark.parametrize("wrapped", [True, False])
def test_parquet_with_bytes_or_with_a_struct(tmp_path: Path, wrapped: bool) -> None:
    pictures = [png(colour) for colour in COLOURS.values()] + [b"broken"]
    cells = [{"bytes": data, "path": f"{row}.png"} for row, data in enumerate(pictures)] if wrapped else pictures
    path = as_parquet(tmp_path / "a.parquet", {"text": ["x", "y", "z"], "image": cells, "label": [1, 0, 0]})
    dataset = load_dataset(path, 8)
    assert dataset.class_names == ("0", "1") and dataset.labels.tolist() == [1, 0]
    assert dataset.skipped == ("2.png" if wrapped else "2",)


def test_parquet_takes_names_of_classes_from_its_metadata(tmp_path: Path) -> None:
    columns = {"img": [png(colour) for colour in COLOURS.values()], "label": [1, 0]}
    metadata = {"info": {"features": {"label": {"names": ["lemon", "apple"]}}}}
    dataset = load_dataset(as_parquet(tmp_path / "a.parquet", columns, metadata), 8)
    assert dataset.class_names == ("lemon", "apple") and colours_by_class(dataset) == EXPECTED


def test_parquet_without_pictures_names_its_columns(tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="its columns are text"):
        load_dataset(as_parquet(tmp_path / "a.parquet", {"text": ["x"]}), 8)


def test_fitting_crops_the_centre_and_does_not_alias() -> None:
    """A fine checkerboard shrinks to grey; subsampling would leave black or white."""
    board = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    wide = np.full((64, 100, 3), 7, np.uint8)
    wide[:, 18:82] = board[:, :, None]
    small = fit_square(wide, 16)
    assert small.shape == (16, 16, 3)
    assert np.abs(small.astype(int) - 127).max() < 16
    assert np.array_equal(fit_square(wide, 64), wide[:, 18:82])
