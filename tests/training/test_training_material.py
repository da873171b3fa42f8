from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_encoder import FakeEncoder

from nada.config.train import TrainConfig
from nada.data import ImageDataset
from nada.errors import NadaError, UsageError
from nada.training import captions
from nada.training.heldout import split_off, take, with_classes_of, with_mirror_images, without
from nada.training.material import choose_condition, load_material

CPU = torch.device("cpu")


@pytest.fixture
def data() -> ImageDataset:
    """Two hundred different pictures in two classes with captions."""
    images = np.random.default_rng(0).integers(0, 256, (200, 4, 4, 3), dtype=np.uint8)
    return ImageDataset(images, np.arange(200) % 2, ("a", "b"), texts=tuple(f"picture {index}" for index in range(200)))


def test_a_mirrored_set_has_every_picture_and_its_mirror_image(data: ImageDataset) -> None:
    mirrored = with_mirror_images(data)
    assert len(mirrored) == 400
    pictures, labels = mirrored.batch(np.array([3, 203]))
    assert torch.equal(pictures[1], pictures[0].flip(2)) and labels.tolist() == [1, 1]
    assert mirrored.labels[203] == 1  # the loop looks classes up by itself
    assert sorted(mirrored.order(0, 400, 0)) == list(range(400))
    conditions = np.random.default_rng(1).standard_normal((200, 3)).astype(np.float32)
    given = with_mirror_images(data.without_classes().with_conditions(conditions)).batch(np.array([7, 207]))[1]
    assert torch.equal(given[0], given[1])


def test_the_pixels_decide_what_is_held_out(data: ImageDataset) -> None:
    """So the order of the files has no say, and a copy cannot be on the other side."""
    doubled = take(data, [*range(200), *reversed(range(200))])
    kept, held_out = split_off(doubled, 0.2)
    assert len(kept) + len(held_out) == 400 and 0.1 < len(held_out) / 400 < 0.3
    bytes_of = [{image.tobytes() for image in part.images} for part in (kept, held_out)]
    assert not bytes_of[0] & bytes_of[1]
    again = split_off(take(data, np.random.default_rng(2).permutation(200)), 0.2)[1]
    assert {image.tobytes() for image in again.images} == bytes_of[1]
    numbers = [int(text.split()[1]) for text in held_out.texts]
    assert np.array_equal(data.images[numbers], held_out.images) and np.array_equal(data.labels[numbers], held_out.labels)
    with pytest.raises(NadaError, match="leaves none on one side"):
        split_off(take(data, [0]), 0.5)


def test_held_out_pictures_are_not_trained_on_and_keep_their_classes(data: ImageDataset) -> None:
    part = take(data, range(1, 200, 2))  # all of class b
    part = replace(part, labels=np.zeros(100, np.int64), class_names=("b",))
    assert len(without(data, part)) == 100
    assert set(with_classes_of(part, data).labels) == {1}
    with pytest.raises(NadaError, match="a class that the others do not: c"):
        with_classes_of(replace(part, class_names=("c",)), data)
    with pytest.raises(NadaError, match="fits every picture"):
        without(data, data)


def test_held_out_by_name(config: TrainConfig) -> None:
    material = load_material(replace(config, holdout_glob="[01].png"), CPU)
    assert (len(material.data), len(material.reference), material.held_out) == (4, 2, True)
    assert material.describe()["held_out"] == 2 and material.reference.labels.tolist() == [0, 1]


def test_conditions_are_classes_else_captions_else_none(data: ImageDataset) -> None:
    unlabelled = data.without_classes()
    assert choose_condition("auto", data) == "class"
    assert choose_condition("auto", unlabelled) == "text"
    assert choose_condition("auto", replace(unlabelled, texts=None)) == "none"
    assert choose_condition("text", data) == "text"
    with pytest.raises(UsageError, match="--cond class needs labelled data"):
        choose_condition("class", unlabelled)
    with pytest.raises(UsageError, match="--cond text needs captions"):
        choose_condition("text", replace(data, texts=None))
    with pytest.raises(UsageError, match="1 have none"):
        choose_condition("text", replace(data, texts=("", *data.texts[1:])))


def test_prompts_are_spread_evenly_and_there_are_64_at_most() -> None:
    texts = [f"caption {index // 2}" for index in range(400)]
    prompts = captions.some_prompts(texts)
    assert len(prompts) == len(set(prompts)) == 64 and prompts[0] == "caption 0" and prompts[-1] == "caption 199"
    assert captions.some_prompts(["x", "y", "x"]) == ("x", "y")


def test_captions_are_read_once_each_and_kept_for_the_same_captions_only(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(captions, "load_encoder", lambda spec, device: FakeEncoder())
    read = captions.read_captions(["red", "blue", "red"], "fake", CPU)
    assert read.texts == ("red", "blue") and read.width == 16
    assert np.allclose(np.linalg.norm(read.embeddings, axis=1), 1)
    assert np.array_equal(read.of(["blue", "red", "blue"]), read.embeddings[[1, 0, 1]])
    read.save(tmp_path)
    kept = captions.kept_captions(tmp_path, ["red", "blue"])
    assert np.array_equal(kept.embeddings, read.embeddings) and kept.guide == "fake"
    with pytest.raises(NadaError, match="the captions are not those"):
        captions.kept_captions(tmp_path, ["red", "green"])
