"""What was seen of a reference is found again, as long as it is the same and whole."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from evaluation_fakes import Guide, load_fake
from fakes import tiny_generator
from tiny_runs import make_dots

from nada.errors import NadaError
from nada.evaluation.looking import look
from nada.evaluation.pictures import Block, Made, Stored
from nada.features.extractor import computing
from nada.images import save_png
from nada.processes import Share


def see(path: Path, name: str = "demo") -> np.ndarray:
    seen = look(Stored(path, 8), [load_fake(name)], 4, keep=True)
    return seen.features[name]


def test_a_reference_is_seen_once_wherever_it_lies(tmp_path: Path) -> None:
    """Fails where the key is of the path or the time, or forgets the extractor."""
    pictures = make_dots(tmp_path / "dots", 5)
    first = see(pictures)
    moved = pictures.rename(tmp_path / "elsewhere")
    assert np.array_equal(see(moved), first) and Guide.shown == 5
    assert not np.array_equal(see(moved, "other"), first) and Guide.shown == 10


def test_a_changed_picture_is_seen_anew(tmp_path: Path) -> None:
    pictures = make_dots(tmp_path / "dots", 5)
    first = see(pictures)
    save_png(pictures / "a/0.png", np.zeros((10, 10, 3), np.uint8))
    assert not np.array_equal(see(pictures), first)


def test_truncated_pictures_are_seen_anew_where_they_are_pulled_elsewhere() -> None:
    """Fails where two generators that differ in the mean style alone share features; without truncation they may."""
    one, other = tiny_generator(8), tiny_generator(8)
    other.mapping.w_avg += 1
    found = {
        psi: [look(Made(which, "x", 4, 8, truncation=psi), [load_fake("demo")], 4, keep=True) for which in (one, other)]
        for psi in (1.0, 0.5)
    }
    whole, cut = ([seen.features["demo"] for seen in pair] for pair in found.values())
    assert Guide.shown == 4 + 8 and np.array_equal(*whole) and not np.array_equal(*cut)


@pytest.mark.parametrize("what", ["PIL.__version__", "nada.evaluation.looking.REVISION"])
def test_pictures_are_seen_anew_by_other_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Fails where another Pillow, which decodes and resizes, is believed to show the same to the last digit."""
    pictures = make_dots(tmp_path / "dots", 5)
    see(pictures)
    monkeypatch.setattr(what, "another")
    see(pictures)
    assert Guide.shown == 10


def test_a_generators_pictures_are_seen_anew_by_other_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where fused kernels get what torch's own made; files have nothing to do with them."""
    pictures = Stored(make_dots(tmp_path / "dots", 5), 8), Made(tiny_generator(8), "tiny", 4, 8)
    for kernels in ("torch kernels", "fused CPU kernels"):
        monkeypatch.setattr("nada.ops.describe", lambda device, kernels=kernels: kernels)
        for some in pictures:
            look(some, [load_fake("demo")], 4, keep=True)
    assert Guide.shown == 5 + 2 * 4


def test_what_nobody_uses_is_removed_from_the_cache(tmp_path: Path) -> None:
    """Fails where a cache grows for ever, and where weights, what others write just now, or what was used goes, too."""
    cache, pictures, key = tmp_path / "cache/features", make_dots(tmp_path / "dots", 5), 64 * "a"
    see(pictures)
    used = {path.name for path in cache.iterdir()}
    ages = {f"{key}.npy": 61, f"{key}.json": 61, f"{key}.npz": 61, f".{key}.npy.0123abcd.tmp": 2}
    stay = {f"{64 * 'b'}.npy": 59, f".{key}.npy.4567abcd.tmp": 0, "inception.pth": 999, ".inception.pth.0123abcd.tmp": 2}
    for name in (*ages, *stay):
        (cache / name).write_bytes(b"")
    for name, days in (ages | stay | dict.fromkeys(used, 61)).items():
        long_ago = time.time() - days * 86400
        os.utime(cache / name, (long_ago, long_ago))
    see(pictures)
    assert Guide.shown == 5, "it was found"
    assert all((cache / name).stat().st_mtime > time.time() - 999 for name in used), "not every system notes what is read"
    see(pictures, "other")
    left = {path.name for path in cache.iterdir()}
    assert left >= used | stay.keys() and not left & ages.keys() and len(left) == len(used) + len(stay) + 2


@pytest.mark.parametrize("name", ["npy", "json"])
def test_a_damaged_file_of_the_cache_is_made_again(tmp_path: Path, name: str) -> None:
    """Also one of the right length where a single bit has turned over."""
    pictures = make_dots(tmp_path / "dots", 5)
    first = np.array(see(pictures))
    (kept,) = (tmp_path / "cache/features").glob(f"*.{name}")
    whole = kept.read_bytes()
    flipped = whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:]
    for content in (flipped, whole[:40], b"", b"{}", b"PK\x03\x04"):
        shown = Guide.shown
        kept.unlink()  # what is mapped must stay as it was
        kept.write_bytes(content)
        assert np.array_equal(see(pictures), first) and Guide.shown == shown + 5


def test_features_that_are_too_many_for_memory_are_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where blocks are lost or change places on the way, and where whole sets lie in memory."""
    pictures = make_dots(tmp_path / "dots", 11)
    whole = np.array(see(pictures))
    monkeypatch.setattr("nada.evaluation.shelves.IN_MEMORY", 5 * whole[0].nbytes)
    seen = look(Stored(pictures, 8), [load_fake("demo")], 4).features["demo"]
    assert isinstance(seen.base, np.memmap) and np.array_equal(seen, whole)
    assert isinstance(see(pictures), np.memmap), "what is found again is mapped, too"
    assert len(list((tmp_path / "cache/features").iterdir())) == 2, "a file is left over"


@pytest.fixture
def no_cache(tmp_path: Path) -> None:
    """A cache folder that nobody can write to."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/features").write_text("in the way")


@pytest.mark.usefixtures("no_cache")
@pytest.mark.parametrize("in_memory", [0, 1 << 20])
def test_a_cache_that_cannot_be_written_costs_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    """Fails where all the work is lost for want of a place to keep it for the next time."""
    monkeypatch.setattr("nada.evaluation.shelves.IN_MEMORY", in_memory)
    pictures = make_dots(tmp_path / "dots", 5)
    eyes = [load_fake("demo"), load_fake("other")]
    with pytest.warns(UserWarning, match="not kept for the next time: .*in the way.* with NADA_CACHE") as told:
        kept = look(Stored(pictures, 8), eyes, 4, keep=True).features
    assert len(told) == 1 and np.array_equal(kept["demo"], look(Stored(pictures, 8), eyes, 4).features["demo"])


@pytest.mark.usefixtures("no_cache")
def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nada.evaluation.shelves.IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(NadaError, match="cannot write .*features: .* with NADA_CACHE"):
        look(Stored(make_dots(tmp_path / "dots", 5), 8), [load_fake("demo")], 4)


@pytest.mark.parametrize("world", [2, 3])
def test_processes_divide_the_blocks(tmp_path: Path, world: int) -> None:
    """Fails where a picture is made twice, not at all, or under another number."""
    stored = Stored(make_dots(tmp_path / "dots", 11), 8)
    made = Made(tiny_generator(8, classes=3), "tiny", 11, 8)
    for pictures in (stored, made):
        alone = {block.number: block.pictures for block in pictures.blocks(4, Share())}
        for rank in range(world):
            for block in pictures.blocks(4, Share(rank, world)):
                assert np.array_equal(alone.pop(block.number), block.pictures)
        assert not alone


def test_conditions_go_by_index(tmp_path: Path) -> None:
    """Fails where they go by the batch; the fifth picture has the second of two classes chosen."""
    generator = tiny_generator(8, classes=3)
    made = Made(generator, "tiny", 6, 8, classes=(2, 1), seed=3, first=10)
    shown = np.concatenate([block.pictures for block in made.blocks(4, Share())])
    assert np.array_equal(shown[5:], generator.sample([3_000_015], classes=[1]))


def test_less_than_two_pictures_are_no_set(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/x.png").write_text("no picture")
    with pytest.raises(NadaError, match="0 of 1 in .*broken can be read"):
        look(Stored(tmp_path / "broken", 8), [load_fake("demo")], 4)


class Together(Share):
    """A process of several that are threads here; `table` is what they lay out for each other."""

    largest_round = 0

    def __init__(self, rank: int, table: list[Any], barrier: Barrier) -> None:
        super().__init__(rank, len(table))
        vars(self).update(table=table, barrier=barrier)

    def collect(self, value: Any) -> list[Any]:
        self.table[self.rank] = value
        self.barrier.wait(20)
        everything = list(self.table)
        self.barrier.wait(20)
        return everything

    def to_first(self, value: Any) -> list[Any]:
        Together.largest_round = max(Together.largest_round, len(value))
        everything = self.collect(value)
        return [] if self.rank else everything


@dataclass
class Grey:
    """Pictures that take no time; each has a grey of its own."""

    count: int
    name: str = "grey"

    def blocks(self, batch: int, share: Share) -> Iterator[Block]:
        for number in range(share.rank, -(-self.count // batch), share.world):
            greys = np.arange(number * batch, min((number + 1) * batch, self.count), dtype=np.uint8)
            yield Block(number, np.broadcast_to(greys[:, None, None, None], (len(greys), 8, 8, 3)))

    def describe(self) -> dict[str, Any]:
        return {"kind": "grey"}


@pytest.mark.parametrize(("world", "at_once", "count"), [(2, 2, 35), (3, 1, 35), (2, 4, 32)])
def test_processes_hand_over_little_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: int, at_once: int, count: int
) -> None:
    """Fails where a process keeps all that it sees to the end, a round is lost, or one process leaves before the others."""
    made, eye = Grey(count), load_fake("demo")
    alone = look(made, [eye], 4)
    monkeypatch.setattr("nada.evaluation.looking.ROUND_BYTES", at_once * world * 4 * 4 * eye.width)
    monkeypatch.setattr(Together, "largest_round", 0)
    table, barrier = [None] * world, Barrier(world)
    with computing(), ThreadPoolExecutor(world) as pool:  # threads share torch's switches: all find what they leave
        started = [pool.submit(look, made, [eye], 4, Together(rank, table, barrier)) for rank in range(world)]
        first, *others = [one.result() for one in started]
    assert np.array_equal(first.features["demo"], alone.features["demo"]) and not any(other.features for other in others)
    assert Together.largest_round == at_once


def test_a_broken_picture_with_a_name_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    """Fails where such a name, of an old zip, ends the evaluation once it is printed, or written to a file or a curve."""
    pictures = make_dots(tmp_path / "dots", 5)
    try:
        Path(os.fsdecode(os.fsencode(pictures) + b"/a/caf\xe9.png")).write_bytes(b"no picture")
    except OSError:
        pytest.skip("this file system has no such names")
    for _ in range(2):
        seen = look(Stored(pictures, 8), [load_fake("demo")], 4, keep=True)
        assert seen.skipped == ("a/caf\\udce9.png",) and seen.count == 5
    assert Guide.shown == 5
