"""The first few pictures of a set, which LPIPS looks at once more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_runs import make_dots

from nada.evaluation.perceptual import Remembered
from nada.evaluation.pictures import Stored
from nada.processes import Share

FEW = 6


@pytest.fixture
def pictures(tmp_path: Path) -> Stored:
    """Fourteen pictures and a broken one, the third of them."""
    folder = make_dots(tmp_path / "dots", 14)
    (folder / "a/1b.png").write_text("no picture")
    return Stored(folder, 8)


def gone_through(pictures: Stored, batch: int, share: Share = Share()) -> Remembered:
    remembered = Remembered(pictures, FEW)
    for _ in remembered.blocks(batch, share):
        pass
    return remembered


@pytest.mark.parametrize("batch", [4, 6, 64])
def test_the_batch_does_not_decide_how_many_they_are(pictures: Stored, batch: int) -> None:
    """Fails where broken pictures are made up for by whatever else is in the last block."""
    everything = np.concatenate([block.pictures for block in pictures.blocks(4, Share())])
    assert np.array_equal(gone_through(pictures, batch).first(batch), everything[:FEW])
    assert np.array_equal(Remembered(pictures, FEW).first(batch), everything[:FEW]), "gone through for the first time"
    assert np.array_equal(gone_through(pictures, batch, Share(0, 2)).first(batch), everything[:FEW]), "some are another's"
    assert np.array_equal(Remembered(pictures, 99).first(batch), everything)


def test_those_that_are_too_many_for_memory_lie_in_a_file(pictures: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a thousand pictures of 1024 px are held in memory, or are put together there from their blocks."""
    whole = gone_through(pictures, 4).first(4)
    monkeypatch.setattr("nada.evaluation.shelves.IN_MEMORY", 3 * whole[0].nbytes)
    found = gone_through(pictures, 4).first(4)
    assert isinstance(found.base, np.memmap) and np.array_equal(found, whole)
