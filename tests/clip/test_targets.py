"""Target pictures from folders, files and arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from fake_encoder import FakeEncoder
from PIL import Image

from nada import images as pictures
from nada.clip.targets import hash_targets, image_direction, load_targets, mean_embedding
from nada.errors import NadaError


def array(seed: int, height: int = 16, width: int = 16) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3), dtype=np.uint8)


def test_folder_is_read_in_the_order_of_names_without_hidden_files(tmp_path: Path) -> None:
    for name, seed in (("b.png", 2), ("a.png", 1), (".hidden.png", 3)):
        Image.fromarray(array(seed)).save(tmp_path / name)
    (tmp_path / ".DS_Store").write_bytes(b"junk")
    read = load_targets(tmp_path)
    assert len(read) == 2 and np.array_equal(read[0], array(1)) and np.array_equal(read[1], array(2))
    assert np.array_equal(load_targets(str(tmp_path / "b.png"))[0], array(2))


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    Image.fromarray(array(1)).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("these are my pictures")
    with pytest.raises(NadaError, match="notes.txt"):
        load_targets(tmp_path)


def test_missing_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="do not exist"):
        load_targets(tmp_path / "nowhere")
    with pytest.raises(NadaError, match="no target pictures"):
        load_targets(tmp_path)


def test_arrays_and_tensors_are_preprocessed_alike() -> None:
    """The published code antialiases only the target side, which alone moves the direction."""
    encoder, arrays = FakeEncoder(), [array(1), array(2), array(3)]
    tensor = torch.cat([pictures.from_uint8(one) for one in arrays])
    torch.testing.assert_close(mean_embedding(encoder, arrays), mean_embedding(encoder, tensor, batch=2))
    torch.testing.assert_close(mean_embedding(encoder, tensor), encoder.encode_image(tensor).mean(dim=0))


def test_direction_between_equal_pictures_is_refused() -> None:
    mean = mean_embedding(FakeEncoder(), [array(1)])
    with pytest.raises(NadaError, match="generator's own"):
        image_direction(mean, mean)


def test_hash_depends_on_pixels_sizes_and_order() -> None:
    hashes = {
        hash_targets(items)
        for items in ([array(1), array(2)], [array(2), array(1)], [array(1)], [array(1).reshape(8, 32, 3)])
    }
    assert len(hashes) == 4
