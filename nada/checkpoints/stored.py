"""Tensors as a file describes them: nothing is reserved or copied before every claim has been checked."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

from nada.checkpoints.machine import Name
from nada.checkpoints.problems import BadFile

if TYPE_CHECKING:
    import mmap

    import torch

Raw = Union[bytes, "mmap.mmap"]

# Name of the storage class -> name of the torch dtype, bytes per element.
STORAGES = {
    "DoubleStorage": ("float64", 8),
    "FloatStorage": ("float32", 4),
    "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2),
    "LongStorage": ("int64", 8),
    "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2),
    "CharStorage": ("int8", 1),
    "ByteStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1),
}
STORAGE_NAMES = {f"{module}.{name}": None for module in ("torch", "torch.cuda") for name in STORAGES}


@dataclass
class Storage:
    """`count` elements in `raw` from byte `start` on; `raw` is attached once it is known to hold them all."""

    dtype: str
    width: int
    count: int
    raw: Raw | None = None
    start: int = 0

    @property
    def nbytes(self) -> int:
        """Size in bytes, as claimed until `attach`."""
        return self.count * self.width

    def attach(self, raw: Raw, start: int, available: int) -> None:
        """Say where the bytes are. Raises BadFile if fewer are `available` than claimed."""
        if self.nbytes > available:
            raise BadFile("is cut short: it holds fewer bytes than it announces; download or copy it again")
        self.raw, self.start = raw, start


def new_storage(kind: Any, count: Any) -> Storage:
    """Make a storage from the class a persistent id names and its length."""
    if not isinstance(kind, Name) or kind.full not in STORAGE_NAMES or not isinstance(count, int) or count < 0:
        raise BadFile("describes a tensor in a way this program does not know; it may be damaged")
    dtype, width = STORAGES[kind.full.rpartition(".")[2]]
    return Storage(dtype, width, count)


@dataclass
class StoredTensor:
    """A view of a storage. `shape` can be trusted once `check` has passed."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...] = field(default=())

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def check(self) -> None:
        """Raise BadFile unless shape, strides and offset stay inside the storage."""
        numbers = (self.offset, *self.shape, *self.strides)
        plain = len(self.shape) == len(self.strides) <= 8 and all(type(n) is int and 0 <= n < 1 << 48 for n in numbers)
        if plain and self.count:
            last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
            plain = last < self.storage.count and self.count <= self.storage.count
        if not plain:
            raise BadFile("holds a tensor that reaches beyond its data; it is damaged, or it was made to do harm")

    def load(self) -> torch.Tensor:
        """Copy the values out of the file into a fresh contiguous tensor of the stored dtype."""
        import torch

        self.check()
        storage, dtype = self.storage, getattr(torch, self.storage.dtype)
        if storage.raw is None:
            raise BadFile("lacks the data of a tensor; download or copy it again")
        if not self.count:
            return torch.empty(self.shape, dtype=dtype)
        if sys.byteorder != "little":
            raise BadFile("was written on a little-endian machine, which this one cannot read; convert it there first")
        data = bytearray(storage.raw[storage.start : storage.start + storage.nbytes])
        flat = torch.frombuffer(data, dtype=dtype)
        return flat.as_strided(self.shape, self.strides, self.offset).clone(memory_format=torch.contiguous_format)


def rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> StoredTensor:
    """Stand in for `torch._utils._rebuild_tensor_v2`; gradients and hooks are ignored."""
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise BadFile("describes a tensor in a way this program does not know; it may be damaged")
    return StoredTensor(storage, offset, shape, strides)


def rebuild_parameter(tensor: Any, *_: Any) -> Any:
    """Stand in for `torch._utils._rebuild_parameter`: the tensor itself."""
    return tensor


def new_size(sizes: Sequence[int] = ()) -> tuple[int, ...]:
    """Stand in for `torch.Size`."""
    return tuple(sizes)


TENSOR_NAMES = {
    **STORAGE_NAMES,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor,
    "torch._utils._rebuild_parameter": rebuild_parameter,
    "torch.Size": new_size,
    **{f"torch.{dtype}": None for dtype, _ in STORAGES.values()},
}
