"""Large inputs: pieces of a parquet file one after the other, and pictures that do not fit into memory."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nada
from nada.data import load_dataset
from nada.data.decoding import in_order
from nada.data.records import Record
from nada.errors import NadaError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty pictures are too many for the memory here."""
    monkeypatch.setattr("nada.data.loading.MAX_IN_MEMORY", 8 * 8 * 3 * 10)
    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "datasets"


def pictures(folder: Path, count: int = 20) -> Path:
    rng = np.random.default_rng(0)
    for number in range(count):
        path = folder / "ab"[number % 2] / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)).save(path)
        path.with_suffix(".txt").write_text(f"number {number}")
    (folder / "a" / "04.png").write_bytes(b"broken")
    return folder


def test_too_many_pictures_are_mapped_and_the_same(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = pictures(tmp_path / "data")
    mapped = load_dataset(source, 8)
    assert isinstance(mapped.images, np.memmap) and not mapped.images.flags.writeable
    monkeypatch.setattr("nada.data.loading.MAX_IN_MEMORY", 1 << 30)
    held = load_dataset(source, 8)
    assert not isinstance(held.images, np.memmap)
    assert mapped.describe() == held.describe() and mapped.texts == held.texts and mapped.skipped == held.skipped
    batch = mapped.batch(np.array([17, 3]))
    assert all((one == two).all() for one, two in zip(batch, held.batch(np.array([17, 3]))))


def test_they_are_decoded_once_until_something_changes(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = pictures(tmp_path / "data")
    first = load_dataset(source, 8).describe()
    calls = []
    real = nada.data.loading.decode
    monkeypatch.setattr("nada.data.loading.decode", lambda record, fit: calls.append(record.name) or real(record, fit))
    assert load_dataset(source, 8).describe() == first and not calls
    assert load_dataset(source, 16).images.shape[1] == 16 and len(calls) == 20
    load_dataset(source, 8, include="0*")
    load_dataset(source, 8, include="*/0*")
    assert len(calls) == 40  # ten pictures each time: few enough for the memory, and so not kept
    Image.new("RGB", (9, 9)).save(source / "b" / "01.png")
    assert load_dataset(source, 8).describe()["sha256"] != first["sha256"]
    assert not list(cache.glob("*.tmp"))


def test_an_interrupted_decoding_leaves_nothing(cache: Path, tmp_path: Path) -> None:
    def progress(records: object, count: int) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_dataset(pictures(tmp_path / "data"), 8, progress=progress)
    assert not list(cache.iterdir())


def test_two_processes_may_decode_the_same(cache: Path, tmp_path: Path) -> None:
    """The processes of one training do; the later one finds what the earlier one has put there."""
    source, others = pictures(tmp_path / "data"), []

    def meanwhile(records: object, count: int) -> object:
        others.append(load_dataset(source, 8))
        return records

    assert load_dataset(source, 8, progress=meanwhile).describe() == others[0].describe()
    assert len(list(cache.iterdir())) == 1


def test_a_damaged_cache_says_what_to_do(cache: Path, tmp_path: Path) -> None:
    source = pictures(tmp_path / "data")
    load_dataset(source, 8)
    (file,) = cache.rglob("pictures.u8")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(NadaError, match="damaged; remove that folder"):
        load_dataset(source, 8)


def test_a_cache_folder_that_cannot_be_written_is_one_sentence(cache: Path, tmp_path: Path) -> None:
    cache.parent.write_text("a file in the way")
    with pytest.raises(NadaError, match="cannot write"):
        load_dataset(pictures(tmp_path / "data"), 8)


@pytest.mark.parametrize("data, result", [(b"x" * 1_000_000, 0), (b"x", 1_000_000)])
def test_large_pictures_and_large_results_are_few_at_a_time(data: bytes, result: int) -> None:
    """Catches 32 results a thread whatever their size: 1.6 GB for 16 threads at 1024 px."""
    taken = []

    def records() -> Iterator[Record]:
        for number in range(200):
            taken.append(number)
            yield Record(str(number), data, None)

    done = in_order(lambda record: record.name, records(), workers=40, result_bytes=result)
    for number, (record, name) in enumerate(done):
        assert name == record.name == str(number)
        assert len(taken) - number <= 64 + 3 * 8


MEMORY = """
import sys
sys.path.insert(0, {root!r})
import pyarrow.parquet
from pathlib import Path
from nada.data.fitting import Fit
from nada.data.importing import import_pictures
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
before = peak()
report = import_pictures({source!r}, {out!r}, Fit(32), workers=2)
print(report.pictures, peak() - before)
"""


def test_a_parquet_file_is_never_in_memory(tmp_path: Path) -> None:
    """A file of 73 MB in twelve row groups: with all of it in memory, and decoded beside it, 130 MB would be taken."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("the peak of memory is read from /proc, which only Linux has")
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (450, 450, 3), dtype=np.uint8)).save(buffer, "BMP")
    group = pyarrow.table({"image": [{"bytes": buffer.getvalue()}] * 10, "text": [f"picture {row}" for row in range(10)]})
    source = tmp_path / "large.parquet"
    options = {"use_dictionary": False, "compression": "none"}
    with parquet.ParquetWriter(source, group.schema, **options) as writer:
        for _ in range(12):
            writer.write_table(group)
    assert source.stat().st_size > 70_000_000
    values = {"root": str(Path(nada.__file__).parent.parent), "source": str(source), "out": str(tmp_path / "o.zip")}
    done = subprocess.run([sys.executable, "-c", MEMORY.format(**values)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, grown = map(int, done.stdout.split())
    assert count == 120 and grown < 70_000, f"{grown / 1000:.0f} MB more"
