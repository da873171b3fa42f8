from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_encoder import FakeEncoder
from fakes import tiny_generator

from nada.data import ImageDataset
from nada.errors import NadaError
from nada.images import from_uint8
from nada.metrics import frechet_distance
from nada.training.folder import find_checkpoint, keep_if_best, remove_halves
from nada.training.heldout import take
from nada.training.report import data_grid, model_card, sample_grid
from nada.training.watch import Watch

NAMES = ("class0", "class1")


def pictures(count: int = 12) -> ImageDataset:
    """Dark pictures of one class and bright ones of the other, in turn."""
    draw = np.random.default_rng(0)
    dark = draw.integers(0, 90, (count, 16, 16, 3), dtype=np.uint8)
    labels = np.arange(count) % 2
    return ImageDataset(dark + (150 * labels[:, None, None, None]).astype(np.uint8), labels, NAMES)


class Knowing(FakeEncoder):
    """Knows bright from dark, and the two words for them; nothing else."""

    def encode_image(self, images: torch.Tensor) -> torch.Tensor:
        bright = images.mean(dim=(1, 2, 3)) > 0
        noise = 0.1 * super().encode_image(images)[:, 2:]
        return torch.nn.functional.normalize(torch.cat([torch.stack([~bright, bright], 1).float(), noise], 1), dim=1)

    def encode_text(self, texts: list[str]) -> torch.Tensor:
        rows = torch.zeros(len(texts), 16)
        for row, text in zip(rows, texts):
            row[int("class1" in text or "bright" in text)] = 1
        return rows


def test_the_distance_is_that_of_the_same_number_of_pictures_and_samples() -> None:
    judge, data, generator = FakeEncoder("Judge 1/x"), pictures(), tiny_generator(classes=2)
    watch = Watch(judge, data, 8)
    measured = watch.look(generator)
    chosen = np.linspace(0, 11, 8).round().astype(int)
    samples = generator.sample(range(8), classes=data.labels[chosen].tolist())
    real, fake = (judge.encode_image(from_uint8(array)).numpy() for array in (data.images[chosen], samples))
    assert measured["metrics/fd_judge_1_x"] == pytest.approx(frechet_distance(real, fake), rel=1e-6)
    assert watch.facts["samples"] == watch.facts["pictures"] == 8
    assert watch.look(generator) == measured


def test_the_accuracy_is_of_the_class_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third sample is of the wrong class: an accuracy of two thirds, and of 1 for the pictures."""
    data, generator = pictures(), tiny_generator(classes=2)

    def sample(seeds, classes):
        wrong = [label ^ (seed % 3 == 0) for seed, label in zip(seeds, classes)]
        return np.stack([np.full((16, 16, 3), 40 + 180 * label, np.uint8) for label in wrong])

    monkeypatch.setattr(generator, "sample", sample)
    watch = Watch(Knowing(), data, 30)
    assert watch.look(generator)["metrics/accuracy"] == pytest.approx(2 / 3)
    assert watch.facts["real_accuracy"] == 1.0 and watch.facts["chance"] == 0.5


def test_more_samples_than_pictures_have_the_classes_of_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where the pictures, which lie class by class, are begun anew: the first classes would be ordered more often."""
    data, generator, ordered = pictures(), tiny_generator(classes=2), []
    original = generator.sample

    def sample(seeds, classes):
        ordered.extend(classes)
        return original(seeds, classes=classes)

    monkeypatch.setattr(generator, "sample", sample)
    Watch(Knowing(), take(data, np.argsort(data.labels, kind="stable")), 90).look(generator)
    assert np.bincount(ordered).tolist() == [45, 45]


def test_captions_are_told_from_others_and_a_tie_is_a_mistake() -> None:
    texts = tuple(("dark one", "bright one")[index % 2] for index in range(12))
    data = replace(pictures().without_classes(), texts=texts).with_conditions(np.eye(6, dtype=np.float32)[[0, 1] * 6])
    generator = tiny_generator(prompts=("dark one", "bright one", "dark two"))
    watch = Watch(Knowing(), data, 12, ("dark one", "bright one"))
    assert "metrics/accuracy" in watch.look(generator)
    assert watch.facts["real_accuracy"] == 1.0 and watch.facts["chance"] == 0.5
    tied = Watch(Knowing(), data, 12, ("dark one", "bright one", "dark two", "bright two"))
    tied.look(generator)
    assert tied.facts["real_accuracy"] == 0.0


def test_a_guide_that_does_not_know_the_words_is_not_asked() -> None:
    watch = Watch(FakeEncoder(words=["class0"]), pictures(), 4)
    assert set(watch.look(tiny_generator(classes=2))) == {"metrics/fd_fake"}
    assert watch.facts["unreadable"] == "1 of 2"


def test_without_classes_and_captions_there_is_a_distance_only() -> None:
    assert set(Watch(Knowing(), pictures().without_classes(), 4).look(tiny_generator())) == {"metrics/fd_fake"}


def test_the_best_is_kept_and_replaced_by_a_better_one_only(tmp_path: Path) -> None:
    """Of the same step it is written again: a killed run measures a step twice."""
    kept = [
        keep_if_best(tmp_path, tiny_generator(seed=step), {"step": step, "kimg": 1.0, "fd": distance}, "fd")
        for step, distance in ((1, 3.0), (2, 4.0), (3, 2.0), (3, 2.0), (4, 2.0))
    ]
    assert kept == [True, False, True, True, False]
    assert json.loads((tmp_path / "best.json").read_text())["step"] == 3


def test_grids_show_one_class_or_prompt_in_each_row() -> None:
    data = pictures()
    grid = data_grid(data)
    assert grid.shape == sample_grid(tiny_generator(classes=2)).shape
    assert grid[:16].mean() < 120 < grid[18:34, : 6 * 18].mean()
    captioned = replace(data.without_classes(), texts=("x", "y") * 6)
    assert np.array_equal(data_grid(captioned, ("x", "y")), grid)
    assert data_grid(data.without_classes()).shape == sample_grid(tiny_generator()).shape
    assert data_grid(ImageDataset(data.images[:1])).shape == grid.shape[:0] + (4 * 18 - 2, 8 * 18 - 2, 3)


def test_a_card_without_measurements_says_so() -> None:
    record = {"data": {"size": 8, "pictures": 2, "sha256": "0" * 64, "classes": {}, "condition": "none", "mirror": True}}
    result = {"kimg": 1.0, "step": 2, "seconds": 60, "device": "cpu", "parameters": 10, "measured": {}}
    card = model_card({**record, "options": {"r1_interval": 16, "lr": 1.0}}, result, "samples/x.png", [])
    assert "Nothing was measured." in card and "2 pictures and their mirror images" in card
    assert "| `--lr` | 1.0 |" in card and "--r1-interval" not in card


def test_a_state_is_found_by_run_or_by_file(tmp_path: Path) -> None:
    folder = tmp_path / "00000-train"
    for name in ("last.ckpt", "config.json", "checkpoints/step-000002.ckpt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    numbered = folder / "checkpoints" / "step-000002.ckpt"
    assert find_checkpoint("latest", str(tmp_path)) == (folder, folder / "last.ckpt")
    assert find_checkpoint(str(numbered), str(tmp_path)) == (folder, numbered)
    (tmp_path / "lone.ckpt").write_text("")
    with pytest.raises(NadaError, match="lone.ckpt is not in the folder of a run"):
        find_checkpoint(str(tmp_path / "lone.ckpt"), str(tmp_path))


def test_halves_of_files_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".last.ckpt.0a1b.tmp", "best/.model.safetensors.ff.tmp", "last.ckpt", "notes.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    remove_halves(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["last.ckpt", "notes.tmp"]
