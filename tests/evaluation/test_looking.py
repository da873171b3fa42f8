"""What was seen of a reference is found again, as long as it is the same and whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import Guide, load_fake
from fakes import tiny_generator
from tiny_runs import make_dots

from nada.errors import NadaError
from nada.evaluation.looking import look
from nada.evaluation.pictures import Made, Stored
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


def test_a_damaged_file_of_the_cache_is_made_again(tmp_path: Path) -> None:
    pictures = make_dots(tmp_path / "dots", 5)
    first = see(pictures)
    (kept,) = (tmp_path / "cache/features").glob("*.npz")
    for content in (kept.read_bytes()[:40], b"", b"PK\x03\x04"):
        kept.write_bytes(content)
        assert np.array_equal(see(pictures), first)


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
