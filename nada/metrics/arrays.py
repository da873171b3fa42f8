"""What comes in: features as checked NumPy arrays, read in blocks so that large sets stay within memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nada.errors import NadaError

BLOCK_BYTES = 64 * 2**20  # of float64 at a time
TILE = 2048  # rows of two sets whose products are held at a time: 32 MB of float64


def as_array(values: Any, name: str, ndim: int = 2, least: int = 2) -> np.ndarray:
    """Return `values` (array, sequence or torch tensor) as a finite real NumPy array with `ndim` axes.

    Floating point arrays are not copied; float64 is made of them block by block where it is needed.

    Args:
        name: what the error messages call it.
        least: the smallest number of rows.

    Raises:
        NadaError: for another number of axes, too few rows, no columns, NaN or infinity.
    """
    if hasattr(values, "detach"):
        tensor = values.detach().cpu()
        values = (tensor if str(tensor.dtype) == "torch.float64" else tensor.float()).numpy()
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise NadaError(f"{name} must be real numbers, not {array.dtype}; pass an array of floating point numbers.")
    if array.ndim != ndim:
        raise NadaError(f"{name} must have {ndim} axes, but their shape is {array.shape}.")
    if len(array) < least:
        raise NadaError(f"{name} need at least {least} rows here; there are {len(array)}.")
    if 0 in array.shape:
        raise NadaError(f"{name} have no columns: their shape is {array.shape}.")
    if array.dtype.kind != "f" or array.dtype.itemsize < 4:
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.float64)
    _check_finite(array, name)
    return array


def _check_finite(array: np.ndarray, name: str) -> None:
    for start, block in blocks(array):
        finite = np.isfinite(block).reshape(len(block), -1).all(axis=1)
        if not finite.all():
            row = start + int(np.argmin(finite))
            raise NadaError(f"{name} have NaN or infinity, first in row {row}; find out what the extractor was given.")


def as_pair(a: Any, b: Any, names: tuple[str, str], least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return two sets `(N, D)` and `(M, D)` of the same width; see `as_array`."""
    first, second = as_array(a, names[0], least=least), as_array(b, names[1], least=least)
    if first.shape[1] != second.shape[1]:
        raise NadaError(
            f"{names[0]} have {first.shape[1]} columns and {names[1].lower()} {second.shape[1]}; "
            "both must come from the same extractor."
        )
    return first, second


class UnitRows:
    """The rows of a checked array `(N, D)` as float64 of length 1, made only where they are asked for.

    50,000 rows of 2048 would be 0.8 GB beside the features themselves. It stands in for an array in `blocks` and
    `tiles`, and wherever rows are taken by slice or by number. Raises NadaError for a row of zeros.
    """

    def __init__(self, array: np.ndarray, name: str) -> None:
        lengths = [np.sqrt(np.einsum("ij,ij->i", block, block)) for _, block in blocks(array)]
        self._array, self._lengths = array, np.concatenate(lengths)
        self.shape = array.shape
        if not self._lengths.all():
            raise NadaError(f"{name} have a row of zeros, number {int(np.argmin(self._lengths))}; it points nowhere.")

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, chosen: slice | np.ndarray) -> np.ndarray:
        rows = self._array[chosen].astype(np.float64)
        rows /= self._lengths[chosen][:, None]
        return rows


class SomeRows:
    """Some rows of an array `(N, D)`, by their numbers; taken only where they are asked for, as with `UnitRows`."""

    def __init__(self, array: np.ndarray, numbers: np.ndarray) -> None:
        self._array, self._numbers = array, numbers
        self.shape = len(numbers), array.shape[1]

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, chosen: slice | np.ndarray) -> np.ndarray:
        return self._array[self._numbers[chosen]]


Rows = np.ndarray | UnitRows | SomeRows


def unit(array: np.ndarray, name: str) -> np.ndarray:
    """Return the few rows of a checked array as float64 of length 1. Raises NadaError for a row of zeros."""
    return UnitRows(array, name)[:]


def tiles(a: Rows, b: Rows) -> Iterator[tuple[slice, slice, np.ndarray, np.ndarray]]:
    """Go through all pairs of rows of two arrays: (rows of a, rows of b, and both parts as float64)."""
    for start in range(0, len(a), TILE):
        left = slice(start, min(start + TILE, len(a)))
        part = a[left].astype(np.float64, copy=False)
        for begin in range(0, len(b), TILE):
            right = slice(begin, min(begin + TILE, len(b)))
            yield left, right, part, b[right].astype(np.float64, copy=False)


def tiles_within(x: Rows) -> Iterator[tuple[slice, slice, np.ndarray, np.ndarray]]:
    """Like `tiles` of an array with itself, but each pair of rows once: what is below the diagonal is left out."""
    starts = range(0, len(x), TILE)
    for number, start in enumerate(starts):
        left = slice(start, min(start + TILE, len(x)))
        part = x[left].astype(np.float64, copy=False)
        for begin in starts[number:]:
            right = slice(begin, min(begin + TILE, len(x)))
            yield left, right, part, x[right].astype(np.float64, copy=False)


def blocks(array: Rows) -> Iterator[tuple[int, np.ndarray]]:
    """Go through `array` in runs of rows: (index of the first row, the rows as float64)."""
    rows = max(1, BLOCK_BYTES // (8 * int(np.prod(array.shape[1:]))))
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows].astype(np.float64, copy=False)


def blocks_of_two(a: Rows, b: Rows) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Go through two sets of equally many rows in step: the same rows of both, as float64."""
    for start, block in blocks(a):
        yield block, b[start : start + len(block)].astype(np.float64, copy=False)


def mean_of(array: Rows) -> np.ndarray:
    """Return the mean row `(D,)`, summed in float64."""
    return sum(block.sum(axis=0) for _, block in blocks(array)) / len(array)
