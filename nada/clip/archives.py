"""Reads the weights out of a TorchScript archive, such as OpenAI's own ViT-B-32.pt, without running it.

Such a file is a zip: `data.pkl` describes the modules and their tensors, `data/N` holds the raw numbers, and
`code/` is a program. torch.jit.load would compile that program. Here it is not opened at all: `data.pkl` goes
through an unpickler that knows tensors and containers, turns every module into an inert bag of attributes,
and refuses all else.
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from nada.errors import NadaError

_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


_LIST_KINDS = ("int", "double", "bool", "tensor")


class _Module:
    """Stands for any module class of the archive; the unpickler fills its attributes."""


def _rebuild_tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    if math.prod(size) > storage.numel():  # a stride of 0 would make terabytes out of one number
        raise pickle.UnpicklingError("one of its tensors is larger than its storage")
    return torch.as_strided(storage, size, stride, offset).clone()


def _first_argument(value: Any, *_: Any) -> Any:
    return value


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    **{("torch", name): dtype for name, dtype in _DTYPES.items()},
    ("torch.jit._pickle", "restore_type_tag"): _first_argument,
    **{("torch.jit._pickle", f"build_{kind}list"): _first_argument for kind in _LIST_KINDS},
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: IO[bytes], archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(stream)
        self._archive, self._root = archive, root
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            return _Module
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no weights need")
        return _ALLOWED[module, name]

    def persistent_load(self, reference: Any) -> Tensor:
        _, dtype, key, _, count = reference
        if key not in self._storages:
            info = self._archive.getinfo(f"{self._root}data/{key}")
            if info.compress_type != zipfile.ZIP_STORED:  # a zip bomb is always compressed
                raise pickle.UnpicklingError(f"its tensor {key} is compressed")
            content = bytearray(self._archive.read(info))
            empty = torch.empty(0, dtype=dtype)  # frombuffer refuses a buffer without bytes
            self._storages[key] = torch.frombuffer(content, dtype=dtype, count=count) if count else empty
        return self._storages[key]


def is_torchscript(path: Path) -> bool:
    """Whether the file is a TorchScript archive; an archive of torch.save has no `constants.pkl`."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _collect(module: _Module, prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            tensors[prefix + name] = value
        elif isinstance(value, _Module):
            _collect(value, f"{prefix}{name}.", tensors)
    return tensors


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """The parameters and buffers of a TorchScript archive by name, as they are stored, on the CPU.

    Raises NadaError if the file is damaged or holds anything but modules, tensors and plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            pickled = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(pickled) as stream:
                root = _Unpickler(stream, archive, pickled[: -len("data.pkl")]).load()
        if not isinstance(root, _Module):
            raise pickle.UnpicklingError("its top object is not a module")
        return _collect(root, "", {})
    except Exception as error:  # a damaged pickle can raise nearly anything
        reason = str(error) or type(error).__name__
        raise NadaError(
            f"{path} cannot be read as a TorchScript archive ({reason}); "
            "save its state_dict as .safetensors on a machine that trusts it, and give that file."
        ) from error
