"""The pickles inside CIFAR-10's Python version, read as data: nothing in them is executed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from nada.checkpoints.machine import Names
from nada.checkpoints.pickles import COMMON_NAMES, read_pickle
from nada.checkpoints.problems import BadFile


class _Bytes:
    """Stand in for `numpy.dtype`; bytes are the only numbers there are."""

    def __init__(self, code: Any = None, *_: Any) -> None:
        if code != "u1":
            raise BadFile("stores its pictures in a way that CIFAR-10 does not")

    def build(self, state: Any) -> None:
        """Take numpy's state, in which nothing matters for bytes."""


class _Pixels:
    """Stand in for numpy's array: filled by the state that follows it."""

    def __init__(self, *_: Any) -> None:
        self.array = np.zeros((0, 0), np.uint8)

    def build(self, state: Any) -> None:
        """Take shape and bytes. Raises BadFile where they do not fit."""
        _, shape, kind, by_columns, data = state
        data = data.encode("latin1") if isinstance(data, str) else data
        plain = isinstance(kind, _Bytes) and isinstance(data, bytes) and not by_columns
        if not plain or not all(type(side) is int and side >= 0 for side in shape):
            raise BadFile("stores its pictures in a way that CIFAR-10 does not")
        self.array = np.frombuffer(data, np.uint8).reshape(shape)


_NAMES: Names = {
    **COMMON_NAMES,
    "numpy.ndarray": None,
    "numpy.dtype": _Bytes,
    "numpy.core.multiarray._reconstruct": _Pixels,
    "numpy._core.multiarray._reconstruct": _Pixels,
}


def read_batch(data: bytes) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Pixels `(N, 3072)` uint8, class numbers `(N,)` and file names of a batch. Raises NadaError for anything else."""
    content = _read(data)
    pixels, labels, names = content.get("data"), content.get("labels"), content.get("filenames") or []
    if not isinstance(pixels, _Pixels) or not isinstance(labels, list) or not isinstance(names, list):
        raise BadFile("is not CIFAR-10 as published: a batch lacks its pictures or labels")
    if not all(type(label) is int for label in labels):
        raise BadFile("is not CIFAR-10 as published: a label is not a number")
    return pixels.array, np.array(labels, np.int64), [_text(name) for name in names]


def read_names(data: bytes) -> tuple[str, ...]:
    """The names of the classes, in the order of their numbers. Raises NadaError where there are none."""
    names = _read(data).get("label_names")
    if not isinstance(names, list) or not names:
        raise BadFile("is not CIFAR-10 as published: it does not name its classes")
    return tuple(_text(name) for name in names)


def _read(data: bytes) -> dict[str, Any]:
    content = read_pickle(io.BytesIO(data), _NAMES)
    if not isinstance(content, dict):
        raise BadFile("is not CIFAR-10 as published")
    return {_text(key): value for key, value in content.items()}


def _text(value: Any) -> str:
    if not isinstance(value, (str, bytes)):
        raise BadFile("is not CIFAR-10 as published: a name is no text")
    return value.decode("latin1") if isinstance(value, bytes) else value
