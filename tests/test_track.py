"""The record of a run: lines for programs, curves and pictures for people, and what a resumed run drops."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from nada.errors import NadaError
from nada.track import Tracker


def read(folder: Path) -> object:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"images": 0})
    events.Reload()
    return events


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_scalars_pictures_and_text_arrive(tmp_path: Path) -> None:
    picture = np.zeros((8, 12, 3), np.uint8)
    with Tracker(tmp_path) as tracker:
        for step in (1, 2):
            tracker.scalars(step, {"loss/total": 1 / step, "step/seconds": float("nan")})
        tracker.images(2, "samples", picture)
        tracker.text("options", "hello")
    assert lines(tmp_path) == [
        {"step": 1, "loss/total": 1.0, "step/seconds": None},
        {"step": 2, "loss/total": 0.5, "step/seconds": None},
    ]
    events = read(tmp_path)
    assert [(e.step, e.value) for e in events.Scalars("loss/total")] == [(1, 1.0), (2, 0.5)]
    assert (events.Images("samples")[0].width, events.Images("samples")[0].height) == (12, 8)


def test_a_resumed_record_forgets_what_is_written_again(tmp_path: Path) -> None:
    with Tracker(tmp_path) as tracker:
        for step in range(1, 6):
            tracker.scalars(step, {"x": step})
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"step": 6, "x"')  # the power went out here
    time.sleep(1.1)  # event files of one second are read in the order of a counter in their names, in which 10 is before 9
    with Tracker(tmp_path, start_step=3) as tracker:
        for step in (4, 5, 6):
            tracker.scalars(step, {"x": 10 * step})
    assert [line["x"] for line in lines(tmp_path)] == [1, 2, 3, 40, 50, 60]
    assert [e.value for e in read(tmp_path).Scalars("x")] == [1, 2, 3, 40, 50, 60]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NadaError, match="file"):
        Tracker(tmp_path / "file" / "run")
