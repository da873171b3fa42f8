"""Pictures and curves of the cells, as the page takes them from their folders."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from study_fakes import BIRD, made_up, write_folders

from nada.images import load_image
from nada.study.curves import POINTS, read_curves
from nada.study.folders import folder_of
from nada.study.pictures import read_strips
from nada.study.results import Results, pair_of

Study = tuple[list[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    cells, setup = made_up(["late:2", "all"], [BIRD], lrs=(0.002, 0.006), seeds=(0, 1))
    write_folders(tmp_path, cells, side=150, latents=4, steps=90)
    return cells, setup


def test_small_studies_lose_nothing(tmp_path: Path) -> None:
    cells, setup = made_up(["late:2"], [BIRD], lrs=(0.002,), seeds=(0,))
    write_folders(tmp_path, cells, side=32)
    strips = read_strips(tmp_path, Results(cells, setup))
    place = Results(cells, setup).cells[1].place
    data = base64.b64decode(strips[place].source.partition(",")[2])
    stored = load_image(folder_of(tmp_path, cells[1]) / "pictures.png")
    assert len(strips) == 2 and strips[place].small
    assert (np.asarray(Image.open(io.BytesIO(data))) == stored).all()


def test_large_studies_stay_within_their_bytes(study: Study, tmp_path: Path) -> None:
    """All in the same form, or a policy would look worse for the compression of its pictures."""
    strips = read_strips(tmp_path, Results(*study), most=60_000)
    assert len(strips) == 9 and sum(len(strip.source) for strip in strips.values()) <= 60_000
    assert len({(strip.source[:16], strip.height) for strip in strips.values()}) == 1
    assert next(iter(strips.values())).source.startswith("data:image/jpeg")


def test_the_last_seeds_give_way_first(study: Study, tmp_path: Path) -> None:
    strips = read_strips(tmp_path, Results(*study), most=3_000)
    seeds = [place.seed for place in strips]
    assert 1 < len(seeds) < 9 and None in seeds and seeds.count(1) <= seeds.count(0)
    assert sum(len(strip.source) for strip in strips.values()) <= 3_000


def test_damaged_and_missing_pictures_are_left_out(study: Study, tmp_path: Path) -> None:
    cells, _ = study
    (folder_of(tmp_path, cells[1]) / "pictures.png").write_bytes(b"no picture")
    (folder_of(tmp_path, cells[2]) / "pictures.png").unlink()
    assert len(read_strips(tmp_path, Results(*study))) == 7


def write_metrics(folder: Path, losses: list[float], end: str = "") -> None:
    lines = [
        {"step": step, "loss/total": loss, "edit_length/a": 0.2, "edit_length/b": 0.4} for step, loss in enumerate(losses, 1)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + end)


def test_curves_are_the_mean_of_the_seeds_with_their_extremes(study: Study, tmp_path: Path) -> None:
    cells, setup = study
    own = [cell for cell in cells if (cell["cell"]["policy"], cell["cell"]["lr"]) == ("all", 0.006)]
    for cell, losses in zip(own, ([1.0, 0.5, 0.3], [0.8, 0.1]), strict=True):
        write_metrics(folder_of(tmp_path, cell), losses, end='{"step": 4, "loss/to')  # killed while it wrote
    found = read_curves(tmp_path, Results(cells, setup))[pair_of(BIRD), "all", 0.006]
    assert found["loss"].steps == (1.0, 2.0), "a run that ended early would bend the mean of the others"
    assert found["loss"].mean == pytest.approx((0.9, 0.3))
    assert (found["loss"].low, found["loss"].high) == ((0.8, 0.1), (1.0, 0.5))
    assert found["edit length"].mean == pytest.approx((0.3, 0.3)), "of two guides the mean is taken"


def test_long_curves_are_thinned_by_means(study: Study, tmp_path: Path) -> None:
    cells, setup = study
    for cell in cells[1:]:  # one of the seeds went on for a while
        steps = range(1, 91 if cell["cell"]["seed"] else 131)
        write_metrics(folder_of(tmp_path, cell), [float(step) for step in steps])
    curve = read_curves(tmp_path, Results(cells, setup))[pair_of(BIRD), "all", 0.006]["loss"]
    assert len(curve.steps) == 30 <= POINTS and curve.steps[0] == 2.0 == curve.mean[0] and curve.mean[-1] == 89.0


def test_runs_whose_record_is_gone_have_no_curve(study: Study, tmp_path: Path) -> None:
    cells, setup = study
    for cell in cells[1:]:
        (folder_of(tmp_path, cell) / "metrics.jsonl").unlink()
    assert read_curves(tmp_path, Results(cells, setup)) == {}
