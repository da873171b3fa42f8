"""Pictures in memory or mapped into it, and the order that training takes them in."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nada.errors import NadaError
from nada.images import from_uint8

_HASHED = 256  # pictures at a time


@dataclass(frozen=True)
class ImageDataset:
    """Pictures `images (N, H, W, 3)` uint8 with class numbers `labels (N,)`, or None where there are no classes.

    `texts` has one caption per picture, or is None; `conditions (N, D)` stand in for class numbers where given. `note` says
    for people why there are no classes where there seem to be some.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    texts: tuple[str, ...] | None = None
    conditions: np.ndarray | None = None
    note: str = ""

    def __len__(self) -> int:
        return len(self.images)

    def without_classes(self) -> ImageDataset:
        """The same pictures, unlabelled and unconditioned; captions stay."""
        return replace(self, labels=None, class_names=(), conditions=None)

    def with_conditions(self, embeddings: np.ndarray) -> ImageDataset:
        """The same pictures, each with a row of float32 `embeddings (N, D)` in place of its class number.

        Raises NadaError where there is not one row per picture.
        """
        if embeddings.ndim != 2 or len(embeddings) != len(self):
            raise NadaError(f"conditions must have the shape ({len(self)}, D), not {embeddings.shape}.")
        return replace(self, conditions=np.ascontiguousarray(embeddings, np.float32))

    def batch(self, indices: np.ndarray) -> tuple[Tensor, Tensor | None]:
        """Pictures `(N, 3, H, W)` in [-1, 1] of the indices given, and their conditions `(N, D)` or classes `(N,)`."""
        given = self.labels if self.conditions is None else self.conditions
        return from_uint8(self.images[indices]), None if given is None else torch.from_numpy(given[indices])

    def order(self, start: int, count: int, seed: int) -> np.ndarray:
        """Indices of the pictures `start` to `start + count` of an endless shuffled sequence.

        Each pass over the data is a permutation of its own, made from the seed and the number of the pass. So the
        place in the data needs no state beside the count of pictures seen.
        """
        parts = []
        position, end = start, start + count
        while position < end:
            number, offset = divmod(position, len(self))
            taken = _permutation(len(self), seed, number)[offset : offset + end - position]
            parts.append(taken)
            position += len(taken)
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def class_counts(self) -> dict[str, int]:
        """How many pictures each class has."""
        if self.labels is None:
            return {}
        counts = np.bincount(self.labels, minlength=len(self.class_names))
        return dict(zip(self.class_names, counts.tolist()))

    def describe(self) -> dict[str, Any]:
        """What a run records of its data: counts, classes, what was left out, and a hash of all of it."""
        digest = hashlib.sha256()
        for start in range(0, len(self), _HASHED):  # in pieces: the pictures may be more than fit into memory
            digest.update(np.ascontiguousarray(self.images[start : start + _HASHED]).tobytes())
        digest.update(b"" if self.labels is None else self.labels.tobytes())
        digest.update(b"" if self.texts is None else json.dumps(self.texts).encode())
        return {
            "pictures": len(self),
            "size": self.images.shape[1],
            "classes": self.class_counts(),
            "skipped": list(self.skipped),
            "ignored": len(self.ignored),
            "captions": 0 if self.texts is None else sum(map(bool, self.texts)),
            "sha256": digest.hexdigest(),
        }


@functools.lru_cache(maxsize=2)
def _permutation(count: int, seed: int, number: int) -> np.ndarray:
    """The order of pass `number`; kept, since with a million pictures it takes longer to make than to use."""
    order = np.random.default_rng([seed, number]).permutation(count)
    order.flags.writeable = False
    return order
