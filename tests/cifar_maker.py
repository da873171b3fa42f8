"""CIFAR-10 archives as published, with pictures of one's own: pickles as Python 2 wrote them, opcode by opcode."""

from __future__ import annotations

import io
import struct
import tarfile
from pathlib import Path

import numpy as np

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
_BYTES = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def _text(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode()


def _list(items: list[bytes]) -> bytes:
    return b"](" + b"".join(items) + b"e"


def _dict(items: dict[str, bytes]) -> bytes:
    return b"\x80\x02}(" + b"".join(_text(key) + value for key, value in items.items()) + b"u."


def batch(images: np.ndarray, labels: list[int], prefix: str = "picture") -> bytes:
    """A batch file of uint8 `(N, 32, 32, 3)` pictures."""
    data = images.transpose(0, 3, 1, 2).tobytes()
    shape = b"J" + struct.pack("<i", len(images)) + b"M\x00\x0c\x86"
    pixels = _ARRAY + b"(K\x01" + shape + _BYTES + b"\x89T" + struct.pack("<i", len(data)) + data + b"tb"
    names = [_text(f"{prefix}_s_{number:06d}.png") for number in range(len(images))]
    numbers = [b"K" + bytes([label]) for label in labels]
    return _dict({"data": pixels, "labels": _list(numbers), "filenames": _list(names)})


def meta(names: tuple[str, ...] = NAMES) -> bytes:
    """The file that names the classes."""
    return _dict({"label_names": _list([_text(name) for name in names])})


def archive(path: Path, files: dict[str, bytes], folder: str = "cifar-10-batches-py") -> Path:
    """A tar.gz of files in a folder."""
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path
