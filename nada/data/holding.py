"""Which pictures of a set a training keeps apart: found again from the set alone, by whoever measures against them."""

from __future__ import annotations

import hashlib

import numpy as np


def digest_of(picture: np.ndarray) -> bytes:
    """Thirty-two bytes that stand for the pixels of a uint8 picture `(H, W, 3)`."""
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).digest()


def is_held_out(picture: np.ndarray, share: float) -> bool:
    """Whether a picture, at the size of the training, is of the share that is held out.

    Its own pixels decide, so that the order of the files has no say and copies of a picture stay on one side.
    """
    return int.from_bytes(digest_of(picture)[:8], "big") < share * 2**64
