"""CIFAR-10 in its published archives, and what only looks like it."""

from __future__ import annotations

import os
import pickle
import tarfile
from pathlib import Path

import cifar_maker
import numpy as np
import pytest

from nada.data import load_dataset
from nada.data.records import Reading
from nada.data.sources import open_source
from nada.errors import NadaError


def cifar_files(count: int = 3) -> dict[str, bytes]:
    """Five batches and the test batch; the pictures of a batch are flat, of a grey that says batch and place."""
    files = {}
    for number in range(1, 7):
        images = np.full((count, 32, 32, 3), number, np.uint8) + np.arange(count, dtype=np.uint8)[:, None, None, None] * 10
        images[:, 0, 1] = (1, 2, 3)  # one spot of colour: planes must not be taken for pixels
        labels = [(number + place) % 10 for place in range(count)]
        files["test_batch" if number == 6 else f"data_batch_{number}"] = cifar_maker.batch(images, labels, f"b{number}")
    return {**files, "batches.meta": cifar_maker.meta()}


@pytest.mark.parametrize("packed", [True, False])
def test_cifar_as_published(tmp_path: Path, packed: bool) -> None:
    """Order of batches, of colour planes and of labels; the test pictures only where they are asked for."""
    files = dict(reversed(cifar_files().items()))
    path = cifar_maker.archive(tmp_path / "cifar-10-python.tar.gz", files)
    if not packed:
        with tarfile.open(path) as tar:
            tar.extractall(tmp_path / "unpacked", filter="data")
        path = tmp_path / "unpacked"
    data = load_dataset(path, 32)
    assert data.class_names == cifar_maker.NAMES and data.images.shape == (15, 32, 32, 3)
    assert data.images[:4, 5, 5, 0].tolist() == [1, 11, 21, 2]
    assert data.images[7, 0, 1].tolist() == [1, 2, 3]
    assert data.labels.tolist() == [(number + place) % 10 for number in range(1, 6) for place in range(3)]
    names = [record.name for record in open_source(path, "test/*").records]
    assert names == [f"test/{cifar_maker.NAMES[(6 + place) % 10]}/b6_s_{place:06d}.png" for place in range(3)]
    later = [record.name for record in open_source(path, reading=Reading(start=13)).records]
    assert later == ["train/frog/b5_s_000001.png", "train/horse/b5_s_000002.png"]


def test_the_binary_version_of_cifar(tmp_path: Path) -> None:
    picture = np.arange(3072, dtype=np.uint8).tobytes()
    files = {"data_batch_1.bin": bytes([9]) + picture + bytes([0]) + picture}
    files["batches.meta.txt"] = "\n".join(cifar_maker.NAMES).encode() + b"\n\n"
    data = load_dataset(cifar_maker.archive(tmp_path / "cifar-10-binary.tar.gz", files, "cifar-10-batches-bin"), 32)
    assert data.labels.tolist() == [9, 0] and data.class_names == cifar_maker.NAMES
    assert data.images[0, 0, 1].tolist() == [1, 1, 1] and data.images[1, 1, 0].tolist() == [32, 32, 32]


class _Harm:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def test_a_pickle_in_cifar_runs_nothing(tmp_path: Path) -> None:
    harm = pickle.dumps({"data": _Harm(tmp_path / "harm"), "labels": []}, protocol=2)
    path = cifar_maker.archive(tmp_path / "cifar.tar.gz", {**cifar_files(), "data_batch_2": harm})
    with pytest.raises(NadaError, match="cifar.tar.gz .*mkdir"):
        open_source(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("what", ["missing", "labels", "shape", "cut", "other", "names"])
def test_a_wrong_cifar_is_one_sentence_with_its_name(tmp_path: Path, what: str) -> None:
    files = cifar_files()
    if what == "missing":
        del files["data_batch_1"]
    if what == "labels":
        files["data_batch_3"] = cifar_maker.batch(np.zeros((2, 32, 32, 3), np.uint8), [3, 10])
    if what == "shape":
        files["data_batch_3"] = files["data_batch_3"].replace(b"M\x00\x0c\x86", b"M\x00\x0d\x86")
    if what == "names":
        files["batches.meta"] = pickle.dumps({"label_names": "abc"}, protocol=2)
    if what == "other":
        files = {"readme.txt": b"hello"}
    path = cifar_maker.archive(tmp_path / "cifar.tar.gz", files)
    if what == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(NadaError, match="cifar.tar.gz.* is (not CIFAR-10 as published|damaged)") as caught:
        open_source(path)
    assert "\n" not in str(caught.value)


def test_a_tar_that_is_no_cifar_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar"
    info = tarfile.TarInfo("data_batch_1")
    info.size = 1 << 40
    path.write_bytes(info.tobuf())
    with pytest.raises(NadaError, match="bomb.tar is not CIFAR-10"):
        open_source(path)
