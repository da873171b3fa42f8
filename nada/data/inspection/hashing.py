"""A perceptual hash of 64 bits from the cosine transform, and what confirms that two pictures of like hashes are alike."""

from __future__ import annotations

import numpy as np

from nada.data.inspection.looking import SIDE

BITS = 64
CELLS = 4  # the signature of colours is the mean of 4 x 4 cells
_HALF = SIDE // 2
SHAPE_BYTES = _HALF * _HALF
_FLAT = 2.0  # levels of standard deviation below which a picture has no shape that could be hashed


def _frequencies() -> np.ndarray:
    """The 64 lowest frequencies (u, v) but the mean, by their sum; the shortest waves are what JPEG takes away."""
    pairs = [(u, v) for u in range(_HALF) for v in range(_HALF) if u + v]
    lowest = sorted(pairs, key=lambda pair: (sum(pair), abs(pair[0] - pair[1]), pair))[:BITS]
    # Every quarter of the hash gets low and high ones alike, which the search for neighbours profits from.
    return np.array([pair for quarter in range(4) for pair in lowest[quarter::4]])


_FREQUENCIES = _frequencies()
_ROWS = _FREQUENCIES.max() + 1
# DCT-II without its scale, which cancels where every coefficient is compared with the median of all.
_COSINES = np.cos(np.pi * np.arange(_ROWS)[:, None] * (2 * np.arange(_HALF) + 1) / (2 * _HALF)).astype(np.float32)
_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
_POOL = np.repeat(np.eye(CELLS, dtype=np.float32), _HALF // CELLS, axis=1) * (CELLS / _HALF)


def halve(small: np.ndarray) -> np.ndarray:
    """Small copies `(N, 64, 64, 3)` uint8 at half the size, `(N, 32, 32, 3)` float32, which the functions here take."""
    whole = small.astype(np.uint16)
    rows = whole[:, 0::2] + whole[:, 1::2]  # sums of slices: numpy's mean over such axes is many times slower
    return (rows[:, :, 0::2] + rows[:, :, 1::2]).astype(np.float32) / 4


def hash_pictures(halved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hashes `(N,)` uint64 of halved copies, and which of them are flat.

    A bit says whether a low frequency of the brightness lies above the median of them all (Zauner 2010, section
    3.2.1); half the bits are set. Resizing, recompression and changes of brightness or contrast move few bits. A
    flat picture, of one colour, has no frequencies; its hash says nothing.
    """
    grey = halved @ _WEIGHTS
    spectrum = _COSINES @ grey @ _COSINES.T
    values = spectrum[:, _FREQUENCIES[:, 0], _FREQUENCIES[:, 1]]
    bits = values > np.median(values, axis=1, keepdims=True)
    packed = np.ascontiguousarray(np.packbits(bits, axis=1, bitorder="little")).view("<u8")[:, 0].astype(np.uint64)
    return packed, grey.std(axis=(1, 2)) < _FLAT


def sign_colours(halved: np.ndarray) -> np.ndarray:
    """The mean colour of 4 x 4 cells `(N, 48)` uint8: tells a red picture from a blue one of the same shape."""
    count = len(halved)
    rows = (_POOL @ halved.reshape(count, _HALF, -1)).reshape(count, CELLS, _HALF, 3)
    return (_POOL @ rows).reshape(count, -1).round().astype(np.uint8)


def sign_shapes(halved: np.ndarray) -> np.ndarray:
    """The brightness `(N, 1024)` uint8; two of them say more surely than 64 bits whether pictures are alike."""
    return (halved @ _WEIGHTS).round().astype(np.uint8).reshape(len(halved), -1)


def correlate_shapes(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Pearson's correlation `(N,)` of signatures `(N, 1024)`, row by row; 0 where one of them is flat."""
    a, b = (side.astype(np.float32) for side in (left, right))
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return (a * b).sum(axis=1) / np.maximum(scale, 1e-6)


def count_bits(values: np.ndarray) -> np.ndarray:
    """How many bits of each uint64 are set (numpy has this as a function from version 2 only)."""
    two, four, eight = (np.uint64(int(digits * 8, 16)) for digits in ("55", "33", "0f"))
    values = values - ((values >> np.uint64(1)) & two)
    values = (values & four) + ((values >> np.uint64(2)) & four)
    values = (values + (values >> np.uint64(4))) & eight
    return ((values * np.uint64(int("01" * 8, 16))) >> np.uint64(56)).astype(np.uint8)
