"""CIFAR-10 as its authors publish it: the archive or the unpacked folder, of the Python or of the binary version.

The Python version consists of pickles, which could run anything; they are read as data (`nada.checkpoints.pickles`).
Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from nada.data.cifar_pickles import read_batch, read_names
from nada.data.records import Reading, Record, Source, is_included
from nada.errors import NadaError

BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST = "test_batch"
_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE
_MAX_FILE_BYTES = 64 << 20  # a batch has 31 MB
_MAX_MEMBERS = 1000
_PPM_HEADER = f"P6 {_SIDE} {_SIDE} 255\n".encode()

_WANTED = frozenset(
    ["batches.meta", "batches.meta.txt", *(name + suffix for name in (*BATCHES, _TEST) for suffix in ("", ".bin"))]
)


class Batch(NamedTuple):
    """Pictures `(N, 3072)` uint8, each as three planes of 32 x 32, their class numbers `(N,)`, and their file names."""

    pixels: np.ndarray
    labels: np.ndarray
    names: list[str]


def is_cifar_folder(files: list[str]) -> bool:
    """Whether a folder with these files is, or holds, an unpacked CIFAR-10."""
    return any(PurePosixPath(name).name in (BATCHES[0], f"{BATCHES[0]}.bin") for name in files)


def open_cifar_folder(path: Path, files: list[str], reading: Reading) -> Source:
    """The pictures of an unpacked CIFAR-10; as `open_cifar_archive`."""

    def contents() -> Iterator[tuple[str, bytes]]:
        for name in files:
            if PurePosixPath(name).name in _WANTED:
                if (path / name).stat().st_size > _MAX_FILE_BYTES:
                    raise NadaError(f"{path / name} is too large to be a file of CIFAR-10.")
                yield PurePosixPath(name).name, (path / name).read_bytes()

    return _open(path, contents(), reading)


def open_cifar_archive(path: Path, reading: Reading) -> Source:
    """The 50,000 training pictures of `cifar-10-python.tar.gz` or `cifar-10-binary.tar.gz`.

    They are called `train/class/file.png`. With a pattern in `reading.include` the 10,000 test pictures,
    `test/class/file.png`, are there too. Raises NadaError for any other archive and for a damaged one.
    """

    def contents() -> Iterator[tuple[str, bytes]]:
        with tarfile.open(path, "r|*") as archive:  # in one go: a compressed archive cannot be searched
            for count, member in enumerate(archive):
                if member.size > _MAX_FILE_BYTES or count > _MAX_MEMBERS:
                    raise NadaError(f"{path} is not CIFAR-10, the only data set that is read from a tar archive.")
                name = PurePosixPath(member.name).name
                if name in _WANTED and (file := archive.extractfile(member)):
                    yield name, file.read()

    return _open(path, contents(), reading)


def _open(path: Path, contents: Iterator[tuple[str, bytes]], reading: Reading) -> Source:
    with _damage_named(path):
        batches, classes = _load(contents)
        for batch in batches.values():
            _check(batch, len(classes))
    if not classes or BATCHES[0] not in batches:
        missing = "pictures" if classes else "class names"
        raise NadaError(f"{path} is not CIFAR-10 as published: its {missing} are missing.")
    names = [*BATCHES, _TEST] if reading.include else BATCHES
    places = [
        (called, batches[name], number)
        for name in names
        if name in batches
        for number, called in enumerate(_called(name, batches[name], classes))
        if is_included(called, reading.include)
    ]
    classes = () if reading.class_from == "none" else classes
    return Source(_records(places[reading.start :], classes), len(places), classes)


def _load(contents: Iterator[tuple[str, bytes]]) -> tuple[dict[str, Batch], tuple[str, ...]]:
    """All batches, some 180 MB, and the names of the classes."""
    batches, classes = {}, ()
    for name, data in contents:
        if name == "batches.meta":
            classes = read_names(data)
        elif name == "batches.meta.txt":
            classes = tuple(data.decode("ascii").split())
        elif name.endswith(".bin"):
            batches[name.removesuffix(".bin")] = _read_binary(data)
        else:
            batches[name] = Batch(*read_batch(data))
    return batches, classes


def _called(batch_name: str, batch: Batch, classes: tuple[str, ...]) -> Iterator[str]:
    split = "test" if batch_name == _TEST else "train"
    for number, label in enumerate(batch.labels.tolist()):
        file = PurePosixPath(batch.names[number]).name if batch.names else f"{batch_name}-{number:05d}.png"
        yield f"{split}/{classes[label]}/{file}"


def _records(places: list[tuple[str, Batch, int]], classes: tuple[str, ...]) -> Iterator[Record]:
    for called, batch, number in places:
        planes = batch.pixels[number].reshape(3, _SIDE, _SIDE)
        label = classes[batch.labels[number]] if classes else None
        yield Record(called, _PPM_HEADER + planes.transpose(1, 2, 0).tobytes(), label)


def _check(batch: Batch, classes: int) -> None:
    fitting = batch.pixels.shape == (len(batch.labels), _PIXELS) and len(batch.names) in (0, len(batch.labels))
    if not fitting or (len(batch.labels) and not 0 <= batch.labels.min() <= batch.labels.max() < classes):
        raise ValueError("pictures and labels do not fit together")


def _read_binary(data: bytes) -> Batch:
    """A byte for the class and 3072 for the pixels, again and again."""
    rows = np.frombuffer(data, np.uint8).reshape(-1, 1 + _PIXELS)
    return Batch(rows[:, 1:], rows[:, 0].astype(np.int64), [])


@contextmanager
def _damage_named(path: Path) -> Iterator[Any]:
    try:
        yield
    except NadaError as error:
        raise error if str(path) in str(error) else NadaError(f"{path} {error}.") from error
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        raise NadaError(f"{path} is not CIFAR-10 as published, or it is damaged ({error}).") from error
