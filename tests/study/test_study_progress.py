"""What is told while cells are made, where nobody looks at a bar: a line per cell, with the time that is left."""

from __future__ import annotations

import pytest

from nada.durations import in_words
from nada.study import progress
from nada.study.cell import Cell, make_record

CELL = Cell("all", "photo", "anime", (), 0.1, "auto", 0, 5)
GOOD = make_record(CELL, "", {"direction": 0.5, "content": 0.25}, {"adapt": 8.0, "measure": 2.0})


def test_the_time_left_is_that_of_the_cells_left_at_the_pace_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of an earlier start took no time in this one."""
    clock = iter([100.0, 110.0, 140.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    said: list[str] = []
    with progress.Progress(said.append, total=10, done=7) as told:
        told.note(CELL, GOOD)
        told.note(CELL, make_record(CELL, "", error="The loss is not finite."))
        told.note(CELL, GOOD)
    assert said[0] == "8/10  all: photo → anime, lr 0.1, seed 0: direction 0.50, content 0.25 (10 s) – 20 s left"
    assert said[1].endswith("failed: The loss is not finite. – 20 s left") and said[2].endswith("(10 s)")


def test_times_in_words() -> None:
    assert [in_words(seconds) for seconds in (0.4, 99, 101, 5399, 5400)] == ["0 s", "99 s", "2 min", "90 min", "1.5 h"]
