"""The HPARAMS tab: what TensorBoard reads back from the folders of the cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from study_fakes import BIRD, CAR, cell_of, made_up, write_folders

from nada.errors import NadaError
from nada.study.board import write_board
from nada.study.folders import folder_of
from nada.track import Tracker


def read(folder: Path) -> tuple[dict[str, Any], dict[str, float], Any]:
    """What was varied, the last value of each measure, and the columns of the tab."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    events = EventAccumulator(str(folder)).Reload()
    found = {tag: HParamsPluginData.FromString(data) for tag, data in events.PluginTagToContent("hparams").items()}
    start = found["_hparams_/session_start_info"].session_start_info
    varied = {key: getattr(value, value.WhichOneof("kind")) for key, value in start.hparams.items()}
    values = {tag: events.Scalars(tag)[-1].value for tag in events.Tags()["scalars"]}
    return varied, values, found["_hparams_/experiment"].experiment


@pytest.fixture
def cells(tmp_path: Path) -> list[dict[str, Any]]:
    made, _ = made_up(["late:2", "all"], [BIRD, CAR], lrs=(0.002, 0.006), seeds=(0, 1))
    made[3] = cell_of("late:2", BIRD, 0.006, 0, error="no")
    write_folders(tmp_path, made, side=4, steps=1)
    return made


def test_a_row_says_what_was_varied_and_what_came_of_it(cells: list[dict[str, Any]], tmp_path: Path) -> None:
    write_board(tmp_path, cells)
    cell = cells[-1]
    varied, values, _ = read(folder_of(tmp_path, cell))
    assert varied == {"policy": "all", "pair": "photo → pencil sketch (automobile)", "lr": 0.006, "seed": 1.0}
    assert values["study/direction"] == pytest.approx(cell["measures"]["direction"]) and "study/balance" in values
    assert {"study/" + key for key in cell["measures"]} <= set(values)


def test_every_row_names_all_columns(cells: list[dict[str, Any]], tmp_path: Path) -> None:
    """TensorBoard takes the columns from the first run it meets, which may be the one without a learning rate."""
    write_board(tmp_path, cells)
    heads = []
    for cell in cells:
        if cell["error"] is None:
            varied, _, columns = read(folder_of(tmp_path, cell))
            heads.append(([info.name for info in columns.hparam_infos], [info.name.tag for info in columns.metric_infos]))
            assert ("lr" in varied) == (cell["cell"]["policy"] != "none")
    assert heads == [heads[0]] * 17 and set(heads[0][0]) == {"policy", "pair", "lr", "seed"}
    assert "study/recognised" in heads[0][1]


def test_writing_again_replaces_only_what_it_wrote(cells: list[dict[str, Any]], tmp_path: Path) -> None:
    folder = folder_of(tmp_path, cells[-1])
    with Tracker(folder) as tracker:
        tracker.scalars(60, {"loss/total": 0.25})
    write_board(tmp_path, cells)
    cells[-1]["measures"]["direction"] = 0.75
    write_board(tmp_path, cells)
    _, values, _ = read(folder)
    assert values["loss/total"] == 0.25 and values["study/direction"] == 0.75
    assert len(list(folder.glob("events.out.tfevents.*"))) == 2


def test_a_cell_whose_folder_is_gone(cells: list[dict[str, Any]], tmp_path: Path) -> None:
    for path in folder_of(tmp_path, cells[-1]).iterdir():
        path.unlink()
    folder_of(tmp_path, cells[-1]).rmdir()
    with pytest.raises(NadaError, match="is gone"):
        write_board(tmp_path, cells)
