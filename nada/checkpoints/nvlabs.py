"""Pickles of stylegan2-ada-pytorch and of the stylegan3 repository (its StyleGAN2 networks).

Every network and every part of it is stored as (class name, source text, attributes). The source text
is what the original loader executes; here it is not even looked at, and only the attributes are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from nada.checkpoints.machine import Names, new_dict
from nada.checkpoints.pickles import COMMON_NAMES, read_pickle
from nada.checkpoints.problems import BadFile, ForbiddenName
from nada.checkpoints.stored import TENSOR_NAMES, StoredTensor
from nada.checkpoints.torchfiles import read_legacy_bytes

MAX_PARTS = 5_000
_NUMBERS = {
    "f8": "<f8",
    "f4": "<f4",
    "f2": "<f2",
    "i8": "<i8",
    "i4": "<i4",
    "i2": "<i2",
    "b1": "?",
    "u1": "u1",
}
# [1, 3, 3, 1] / 8: the only low-pass filter of the released networks, and the only one of ours.
_FILTER = (1 / 8, 3 / 8, 3 / 8, 1 / 8)


class Part:
    """One stored module: its class name and its attributes."""

    def __init__(self, meta: Any) -> None:
        if not isinstance(meta, dict) or not isinstance(meta.get("state"), dict):
            raise BadFile("stores a network in a way this program does not know (no 'state')")
        self.class_name = str(meta.get("class_name"))[:80] if isinstance(meta.get("class_name"), str) else "?"
        self.state: dict[str, Any] = meta["state"]

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.state.get(name, default)

    @property
    def children(self) -> dict[str, Part]:
        """The parts of this part, by name."""
        modules = self.get("_modules")
        modules = modules if isinstance(modules, dict) else {}
        return {str(name): part for name, part in modules.items() if isinstance(part, Part)}

    @property
    def tensors(self) -> dict[str, StoredTensor]:
        """The part's own parameters and buffers, by name."""
        groups = [self.get(key) for key in ("_parameters", "_buffers")]
        pairs = [pair for group in groups if isinstance(group, dict) for pair in group.items()]
        return {str(name): value for name, value in pairs if isinstance(value, StoredTensor)}


class NumberType:
    """Stand in for `numpy.dtype`: the code of a plain number."""

    def __init__(self, code: Any = None, *_: Any) -> None:
        if not isinstance(code, str) or code not in _NUMBERS:
            raise BadFile("stores numbers in a way this program does not know; it may be damaged")
        self.code = _NUMBERS[code]

    def build(self, state: Any) -> None:
        """Take the byte order, the second item of numpy's state."""
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", "|", "="):
            raise BadFile("stores numbers in a byte order this program does not know; it may be damaged")


def new_number(kind: Any, data: Any) -> Any:
    """Stand in for numpy's scalar constructor: a plain Python number."""
    import numpy as np

    if not isinstance(kind, NumberType) or not isinstance(data, bytes):
        raise BadFile("stores numbers in a way this program does not know; it may be damaged")
    (value,) = np.frombuffer(data, dtype=kind.code)
    return value.item()


NVLABS_NAMES: Names = {
    **COMMON_NAMES,
    **TENSOR_NAMES,
    "torch_utils.persistence._reconstruct_persistent_obj": Part,
    "torch.storage._load_from_bytes": read_legacy_bytes,
    "dnnlib.util.EasyDict": new_dict,
    "dnnlib.EasyDict": new_dict,
    "numpy.dtype": NumberType,
    "numpy.core.multiarray.scalar": new_number,
    "numpy._core.multiarray.scalar": new_number,
}


def read_networks(stream: BinaryIO) -> dict[str, Part]:
    """Read the networks `G`, `D`, `G_ema` of a pickle, those that are there. Raises BadFile."""
    try:
        value = read_pickle(stream, NVLABS_NAMES)
    except ForbiddenName as error:
        if error.name.startswith("dnnlib.tflib."):
            raise BadFile(
                f"is a pickle of the TensorFlow StyleGAN2 ({error.name}); convert it once with legacy.py of "
                "stylegan2-ada-pytorch, or take the PyTorch release of that model (nada models list)"
            ) from error
        raise
    if isinstance(value, Part):
        return {"D" if value.class_name == "Discriminator" else "G_ema": value}
    value = value if isinstance(value, dict) else {}
    networks = {key: value[key] for key in ("G", "D", "G_ema") if isinstance(value.get(key), Part)}
    if not networks:
        raise BadFile("is a pickle, but holds no StyleGAN2 network (no G_ema, G or D)")
    return networks


def _walk(part: Part) -> Iterator[tuple[str, Part]]:
    """Yield every part with its dotted name. Circular references end in BadFile, not in a long walk."""
    waiting, seen = [("", part)], 0
    while waiting:
        name, part = waiting.pop()
        seen += 1
        if seen > MAX_PARTS or len(name) > 200:
            raise BadFile("has more parts than any generator; it is damaged, or it was made to do harm")
        yield name, part
        waiting += [(f"{name}.{key}" if name else key, child) for key, child in part.children.items()]


def _check_filter(name: str, stored: StoredTensor) -> None:
    """Every layer carries the filter, also those that never use it; then it has the default value."""
    if stored.shape != (4, 4):
        raise BadFile(f"uses a low-pass filter of form {list(stored.shape)} in {name}; only [1, 3, 3, 1] is supported")
    kernel = stored.load().float()
    taps = kernel.new_tensor(_FILTER)
    if not kernel.sub(taps.outer(taps)).abs().max() < 1e-4:
        raise BadFile(f"uses another low-pass filter than [1, 3, 3, 1] in {name}, which is not supported")


def _our_name(name: str) -> str:
    return name[len("synthesis.") :] if name.startswith("synthesis.") else name


def network_values(network: Part) -> dict[str, StoredTensor]:
    """Return the tensors by our names (the file's without `synthesis.`); filters are checked, not kept."""
    values: dict[str, StoredTensor] = {}
    for part_name, part in _walk(network):
        for key, stored in part.tensors.items():
            if key == "resample_filter":
                _check_filter(part_name, stored)
                continue
            values[_our_name(f"{part_name}.{key}" if part_name else key)] = stored
    return values


def parts_of(network: Part) -> dict[str, Part]:
    """Return every part by our name."""
    return {_our_name(name): part for name, part in _walk(network) if name}
