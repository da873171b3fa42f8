"""What the sources give: classes, captions, names, and nothing of what a hostile file wants."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from nada.data import load_dataset
from nada.data.records import Reading
from nada.data.sources import open_source
from nada.errors import NadaError, UsageError


def png(value: int, size: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), (value, value, value)).save(buffer, "PNG")
    return buffer.getvalue()


def tree(root: Path, *names: str) -> Path:
    """A folder of pictures by name, each of another grey."""
    for value, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(value))
    return root


def labels(path: Path, **how: object) -> dict[str, str | None]:
    return {record.name: record.label for record in open_source(path, reading=Reading(**how)).records}


@pytest.mark.parametrize(
    "names, how, expected",
    [
        (["a/1.png", "b/2.png"], "auto", ["a", "b"]),
        (["fruit/a/1.png", "fruit/b/2.png"], "auto", ["a", "b"]),
        (["train/a/1.png", "test/b/2.png"], "auto", ["a", "b"]),
        (["a/x/1.png", "a/y/2.png", "b/z/3.png"], "folder", ["a", "a", "b"]),
        (["a/x/1.png", "a/y/2.png", "b/z/3.png"], "last-folder", ["x", "y", "z"]),
        (["a/1.png", "b/2.png", "stray.png"], "auto", ["a", "b", None]),
        (["a/1.png", "b/2.png", "3.png", "4.png"], "auto", [None] * 4),
        (["a/1.png", "b/2.png"], "none", [None, None]),
        (["train/1.png", "test/2.png"], "auto", [None, None]),
    ],
)
def test_the_folder_that_says_the_class(tmp_path: Path, names: list[str], how: str, expected: list[str | None]) -> None:
    """Catches `train` and `test`, or the name of the whole data set, taken for classes."""
    found = labels(tree(tmp_path / "data", *names), class_from=how)
    assert found == dict(zip(names, expected))


def test_folders_asked_for_that_give_no_classes_are_an_error(tmp_path: Path) -> None:
    path = tree(tmp_path / "data", "a/1.png", "b/2.png", "stray.png")
    with pytest.raises(UsageError, match="stray.png is in none"):
        open_source(path, reading=Reading(class_from="folder"))
    with pytest.raises(UsageError, match="not parquet"):
        open_source(path, reading=Reading(text_column="text"))
    for described in (None, '{"labels": null}'):
        if described:
            (path / "dataset.json").write_text(described)
        with pytest.raises(UsageError, match="no dataset.json with labels"):
            open_source(path, reading=Reading(class_from="column"))


def test_folders_can_outrank_a_description(tmp_path: Path) -> None:
    path = tree(tmp_path / "data", "a/1.png", "b/2.png")
    content = {"labels": [["a/1.png", 1], ["b/2.png", 0]], "label_names": ["x", "y"], "texts": [["b/2.png", "two"]]}
    (path / "dataset.json").write_text(json.dumps(content))
    assert labels(path) == {"a/1.png": "y", "b/2.png": "x"}
    assert labels(path, class_from="folder") == {"a/1.png": "a", "b/2.png": "b"}
    assert [record.text for record in open_source(path).records] == [None, "two"]


def test_captions_beside_pictures_and_in_tables(tmp_path: Path) -> None:
    """The two habits of the field: one text file per picture, and the imagefolder's metadata."""
    path = tree(tmp_path / "data", "a/1.png", "a/2.png", "b/3.png")
    (path / "a/1.txt").write_text("a dark\n square ")
    (path / "a/notes.txt").write_text("no caption")
    (path / "b/metadata.jsonl").write_text('{"file_name": "3.png", "text": "three"}\n')
    source = open_source(path)
    assert [record.text for record in source.records] == ["a dark square", None, "three"]
    assert source.ignored == ("a/notes.txt",)
    assert load_dataset(path, 8).texts == ("a dark square", "", "three")
    (path / "b/metadata.jsonl").write_text("not json\n")
    with pytest.raises(NadaError, match="b/metadata.jsonl in .* is not a table of captions"):
        open_source(path)


def test_linked_folders_count_and_circles_end(tmp_path: Path) -> None:
    """Classes are often links to folders elsewhere."""
    path = tree(tmp_path / "data", "a/1.png")
    elsewhere = tree(tmp_path / "elsewhere", "2.png")
    try:
        (path / "b").symlink_to(elsewhere)
        (path / "a" / "up").symlink_to(path)
    except OSError:
        pytest.skip("links cannot be made on this machine")
    assert labels(path) == {"a/1.png": "a", "b/2.png": "b"}


def shard(path: Path, start: int, count: int, groups: int = 2, **more: list) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    rows = range(start, start + count)
    columns = {
        "image": [{"bytes": png(row), "path": f"{'ab'[row % 2]}/{row}.png"} for row in rows],
        "caption": [f"picture {row}" for row in rows],
        "kind": [f"kind{row % 3}" for row in rows],
        **more,
    }
    path.parent.mkdir(exist_ok=True)
    parquet.write_table(pyarrow.table(columns), path, row_group_size=-(-count // groups))
    return path


def test_a_folder_of_shards_is_one_source(tmp_path: Path) -> None:
    """Catches shards in the order of the file system, and rows numbered anew in each while starting in the middle."""
    for number in (2, 0, 1):
        shard(tmp_path / f"data/train-{number:05d}.parquet", number * 5, 5)
    whole = list(open_source(tmp_path / "data", reading=Reading(label_column="kind")).records)
    assert [record.text for record in whole] == [f"picture {row}" for row in range(15)]
    assert [record.label for record in whole] == [f"kind{row % 3}" for row in range(15)]
    assert whole[7].name == f"{tmp_path}/data:train-00001.parquet:b/7.png"
    for start in (1, 4, 5, 8, 14, 15):
        rest = list(open_source(tmp_path / "data", reading=Reading(label_column="kind", start=start)).records)
        assert rest == whole[start:]
    chosen = open_source(tmp_path / "data", reading=Reading(include="b/*", start=2, class_from="none"))
    assert chosen.count == 7 and [Path(record.name).stem for record in chosen.records] == ["5", "7", "9", "11", "13"]


def test_columns_and_folders_inside_a_parquet(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.parquet", 0, 6, title=[f"t{row}" for row in range(6)], number=[1.5] * 6, one=["x"] * 6)
    found = [record.label for record in open_source(path, reading=Reading(class_from="folder")).records]
    assert found == ["a", "b"] * 3
    titles = [record.text for record in open_source(path, reading=Reading(text_column="title")).records]
    assert titles == [f"t{row}" for row in range(6)]
    for wrong, words in (
        (Reading(label_column="klass"), "no column 'klass'; its columns are image, caption, kind"),
        (Reading(label_column="number"), "'number' of .* does not hold text or whole numbers but double"),
        (Reading(image_column="kind"), "'kind' of .* does not hold pictures"),
        (Reading(class_from="column"), "name the column of classes with --label-column"),
        (Reading(label_column="one"), "the column 'one' of .* does not name two classes"),
    ):
        with pytest.raises(UsageError, match=words):
            open_source(path, reading=wrong)


def test_missing_labels_of_a_column_that_was_asked_for_are_counted(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.parquet", 0, 4, label=[0, None, 1, None])
    assert open_source(path).class_names == ()
    source = open_source(path, reading=Reading(class_from="column"))
    assert source.class_names == ("0", "1") and source.unlabelled == 2


def test_rows_without_a_path_have_the_same_number_in_patterns_and_in_names(tmp_path: Path) -> None:
    """Catches rows counted through all files for the one, and anew in each file for the other."""
    for number in range(2):
        cells = [{"bytes": png(row), "path": None} for row in range(3)]
        shard(tmp_path / f"data/{number}.parquet", 0, 3, image=cells)
    names = [record.name for record in open_source(tmp_path / "data", "2").records]
    assert names == [f"{tmp_path}/data:{number}.parquet:2" for number in range(2)]


def test_what_pyarrow_cannot_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its errors have many bases; this one comes of row groups with more than 2 GB."""
    path = shard(tmp_path / "a.parquet", 0, 6)
    import pyarrow.parquet

    def refuse(*_: object, **__: object) -> None:
        raise pyarrow.ArrowNotImplementedError("Nested data conversions not implemented for chunked array outputs")

    source = open_source(path)
    monkeypatch.setattr(pyarrow.parquet.ParquetFile, "iter_batches", refuse)
    with pytest.raises(NadaError, match="a.parquet is not a parquet file that can be read .Nested"):
        list(source.records)


def test_a_damaged_row_group_is_named(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.parquet", 0, 6)
    data = bytearray(path.read_bytes())
    data[4:400] = b"\xff" * 396
    path.write_bytes(data)
    with pytest.raises(NadaError, match="a.parquet is not a parquet file that can be read"):
        list(open_source(path).records)


def test_a_member_that_lies_about_its_size_is_not_unpacked(tmp_path: Path) -> None:
    """Catches ZipFile.read, which unpacks 64 MB here before it sees that 1000 bytes were announced."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(64 << 20))
        archive.writestr("fine.png", png(3))
    data = bytearray(path.read_bytes())
    data[22:26] = struct.pack("<I", 1000)
    central = data.index(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 1000)
    path.write_bytes(data)
    tracemalloc.start()
    try:
        records = list(open_source(path).records)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20
    assert "is damaged" in records[0].problem and records[1].problem is None and records[1].data == png(3)


def test_members_that_no_picture_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nada.data.archive.MAX_MEMBER_BYTES", 1 << 20)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("large.png", bytes(2 << 20), zipfile.ZIP_DEFLATED)
        archive.writestr("odd.png", png(1), zipfile.ZIP_BZIP2)
    problems = [record.problem for record in open_source(path).records]
    assert "more than 1 MiB" in problems[0] and "unusual way" in problems[1]


def test_a_file_that_cannot_be_read_is_left_out_and_not_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tree(tmp_path / "data", "1.png", "2.png")
    source = open_source(path)
    (path / "1.png").unlink()
    records = list(source.records)
    assert "cannot read" in records[0].problem and records[1].data == png(1)
