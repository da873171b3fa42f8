from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from nada.data import ImageDataset
from nada.errors import NadaError


def dataset(count: int = 10) -> ImageDataset:
    images = np.arange(count, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2).repeat(3, 3)
    return ImageDataset(images, np.arange(count) % 2, ("even", "odd"))


def test_every_pass_shows_every_picture_once_and_in_another_order() -> None:
    data = dataset()
    passes = data.order(0, 30, seed=1).reshape(3, 10)
    assert all(sorted(one) == list(range(10)) for one in passes.tolist())
    assert len({tuple(one) for one in passes.tolist()}) == 3


def test_the_order_needs_no_memory() -> None:
    """A batch is the same whether or not those before it were drawn, across the end of a pass too."""
    data = dataset()
    whole = data.order(0, 50, seed=3)
    for start, count in ((0, 4), (8, 4), (19, 23), (30, 0)):
        assert np.array_equal(data.order(start, count, seed=3), whole[start : start + count])
    assert not np.array_equal(data.order(0, 50, seed=4), whole)


def test_a_batch_keeps_pictures_and_labels_together() -> None:
    images, labels = dataset().batch(np.array([7, 2]))
    assert images.shape == (2, 3, 4, 4) and labels.tolist() == [1, 0]
    assert np.allclose((images[:, 0, 0, 0].numpy() + 1) * 127.5, [7, 2], atol=1e-3)
    images, labels = dataset().without_classes().batch(np.array([7]))
    assert labels is None


def test_the_description_tells_different_pictures_and_labels_apart() -> None:
    data = dataset()
    assert data.class_counts() == {"even": 5, "odd": 5}
    relabelled = ImageDataset(data.images, 1 - data.labels, data.class_names)
    repainted = ImageDataset(data.images[::-1], data.labels, data.class_names)
    hashes = {one.describe()["sha256"] for one in (data, relabelled, repainted, data.without_classes())}
    assert len(hashes) == 4 and dataset().describe() == data.describe()


def test_conditions_stand_in_for_classes_and_keep_to_their_pictures() -> None:
    embeddings = np.arange(20, dtype=np.float64).reshape(10, 2)
    data = dataset().with_conditions(embeddings)
    images, conditions = data.batch(np.array([7, 2]))
    assert conditions.tolist() == [[14, 15], [4, 5]] and conditions.dtype == torch.float32
    assert images.shape == (2, 3, 4, 4) and data.class_names == ("even", "odd")
    assert dataset().batch(np.array([7, 2]))[1].tolist() == [1, 0]
    assert data.without_classes().batch(np.array([7]))[1] is None
    with pytest.raises(NadaError, match=r"\(10, D\)"):
        dataset().with_conditions(embeddings[:9])


def test_captions_survive_every_copy() -> None:
    data = replace(dataset(), texts=tuple(f"picture {index}" for index in range(10)))
    assert data.without_classes().texts == data.with_conditions(np.zeros((10, 3))).texts == data.texts
