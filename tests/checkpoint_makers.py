"""Write checkpoints in the layouts of other projects, by tables written down a second time, and bad ones."""

from __future__ import annotations

import collections
import io
import math
import pickle
import sys
import types
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nada.checkpoints import load_generator
from nada.errors import NadaError
from nada.models import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig

SMALL: dict[str, Any] = {"resolution": 8, "channels": (4, 2), "z_dim": 4, "w_dim": 4, "mapping_layers": 1}
FILTER = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64


def random_generator(seed: int = 0, **sizes: Any) -> Generator:
    """A generator whose every parameter and buffer is random."""
    torch.manual_seed(seed)
    generator = Generator(GeneratorConfig(**sizes))
    for value in generator.state_dict().values():
        value.copy_(torch.randn(value.shape))
    return generator.eval()


def random_discriminator(seed: int = 0, **sizes: Any) -> Discriminator:
    """A discriminator whose every parameter is random."""
    torch.manual_seed(seed)
    discriminator = Discriminator(DiscriminatorConfig(**sizes))
    for value in discriminator.state_dict().values():
        value.copy_(torch.randn(value.shape))
    return discriminator.eval()


def _reconstruct_persistent_obj(meta: Any) -> None:
    raise AssertionError("the reader must never call this")


class Persistent:
    """Pickles as the published networks do: a call with one dict."""

    def __init__(self, class_name: str, **state: Any) -> None:
        self.class_name, self.state = class_name, state

    def __reduce__(self) -> Any:
        meta = {"type": "class", "version": 6, "module_src": "raise SystemExit('source was run')"}
        return _reconstruct_persistent_obj, ({**meta, "class_name": self.class_name, "state": self.state},)


class EasyDict(dict):
    """The dict subclass that the published pickles hold."""


class Network:
    """The class of TensorFlow's pickles."""


@contextmanager
def foreign_modules() -> Iterator[None]:
    """Let the stubs above pickle under the names of the published code, and only while writing."""
    homes = {
        "torch_utils.persistence": _reconstruct_persistent_obj,
        "dnnlib.util": EasyDict,
        "dnnlib.tflib.network": Network,
    }
    for home, value in homes.items():
        value.__module__ = home
        for depth in range(1, home.count(".") + 2):
            name = ".".join(home.split(".")[:depth])
            sys.modules.setdefault(name, types.ModuleType(name))
        setattr(sys.modules[home], value.__name__, value)
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] in ("torch_utils", "dnnlib")]:
            del sys.modules[name]


def foreign_pickle(value: Any, protocol: int = 4) -> bytes:
    """Pickle stubs under the published names."""
    with foreign_modules():
        return pickle.dumps(value, protocol=protocol)


def _layer_state(name: str, module: nn.Module, clamp: float | None) -> dict[str, Any]:
    """The attributes that a reader may look at, and some that it should not."""
    state: dict[str, Any] = {
        "training": False,
        "_non_persistent_buffers_set": set(),
        "weight_gain": np.float64(0.5),
    }
    last = name.rpartition(".")[2]
    if last.startswith("conv"):
        state |= {"activation": "lrelu", "conv_clamp": clamp, "up": 2 if last == "conv0" else 1}
    if last == "torgb" or last == "fromrgb":
        state["conv_clamp"] = clamp
    if last.startswith("fc"):
        state |= {"activation": "lrelu", "bias_gain": getattr(module, "bias_gain", 1)}
    if last.startswith("b") and last[1:].isdigit():
        state |= {"architecture": "skip", "use_fp16": int(last[1:]) > 8, "resolution": int(last[1:])}
    if last in ("embed", "affine"):
        state |= {"activation": "linear", "bias_gain": 1}
    if hasattr(module, "noise_const"):
        state |= {"use_noise": True, "resolution": module.size}
    return state


def persistent(name: str, module: nn.Module, clamp: float | None) -> Persistent:
    """The stub of a module and all below it."""
    buffers = {key: value for key, value in module.named_buffers(recurse=False)}
    if "resample_filter" in buffers:
        buffers["resample_filter"] = FILTER  # a matrix there
    return Persistent(
        type(module).__name__,
        _parameters=collections.OrderedDict(module.named_parameters(recurse=False)),
        _buffers=collections.OrderedDict(buffers),
        _modules=collections.OrderedDict(
            (key, persistent(f"{name}.{key}", child, clamp)) for key, child in module.named_children()
        ),
        **_layer_state(name, module, clamp),
    )


def nvlabs_generator(generator: Generator) -> Persistent:
    """The stub of a generator: `mapping` and `synthesis`."""
    whole = persistent("", generator, generator.config.conv_clamp)
    blocks = whole.state["_modules"]
    mapping = blocks.pop("mapping")
    synthesis = Persistent("SynthesisNetwork", _parameters={}, _buffers={}, _modules=blocks)
    whole.state["_modules"] = {"synthesis": synthesis, "mapping": mapping}
    whole.state["_init_kwargs"] = EasyDict(z_dim=generator.config.z_dim)
    return whole


def nvlabs_discriminator(discriminator: Discriminator) -> Persistent:
    """The stub of a discriminator."""
    config = discriminator.config
    whole = persistent("", discriminator, config.conv_clamp)
    if config.mbstd_channels:
        group = Persistent("MinibatchStdLayer", group_size=config.mbstd_group, num_channels=config.mbstd_channels)
        whole.state["_modules"]["b4"].state["_modules"]["mbstd"] = group
    return whole


def nvlabs_file(protocol: int = 4, **networks: Persistent) -> bytes:
    """A whole pickle, `nvlabs_file(G_ema=…, D=…)`."""
    options = EasyDict(class_name="training.dataset.ImageFolderDataset", resolution=np.int64(8))
    return foreign_pickle({"training_set_kwargs": options, **networks, "augment_pipe": None}, protocol)


def _rosinality_name(name: str) -> str:
    block, _, rest = name.partition(".")
    if block == "mapping":
        number = int(rest.split(".")[0][2:])
        return f"style.{number + 1}.{rest.split('.')[1]}"
    log = int(math.log2(int(block[1:])))
    layer, _, kind = rest.partition(".")
    if layer == "const":
        return "input.input"
    if kind == "noise_const":
        return f"noises.noise_{2 * log - 5 if layer == 'conv0' else 2 * log - 4}"
    if layer == "torgb":
        home = "to_rgb1" if log == 2 else f"to_rgbs.{log - 3}"
        kinds = {"bias": "bias"}
    else:
        home = "conv1" if log == 2 else f"convs.{2 * (log - 3) + (layer == 'conv1')}"
        kinds = {"bias": "activate.bias", "noise_strength": "noise.weight"}
    kinds |= {"weight": "conv.weight"}
    kinds |= {f"affine.{what}": f"conv.modulation.{what}" for what in ("weight", "bias")}
    return f"{home}.{kinds[kind]}"


def rosinality_state(generator: Generator, filters: bool = True) -> dict[str, Tensor]:
    """The state dict of a generator."""
    state = {}
    for name, value in generator.state_dict().items():
        if name == "mapping.w_avg":
            continue
        theirs = _rosinality_name(name)
        shape = list(value.shape)
        if theirs.startswith("noises") or theirs.endswith("noise.weight"):
            shape = [1] * (2 if shape else 1) + shape
        elif theirs == "input.input" or theirs.endswith("conv.weight"):
            shape = [1, *shape]
        elif theirs.startswith("to_rgb") and theirs.endswith(".bias") and "modulation" not in theirs:
            shape = [1, *shape, 1, 1]
        state[theirs] = value.reshape(shape).clone()
    for index in range(len(generator.config.channels) - 1) if filters else ():
        state[f"convs.{2 * index}.conv.blur.kernel"] = FILTER * 4
        state[f"to_rgbs.{index}.upsample.kernel"] = FILTER * 4
    return collections.OrderedDict(state)


def rosinality_discriminator(discriminator: Discriminator) -> dict[str, Tensor]:
    """The state dict of a residual discriminator."""
    top = int(math.log2(discriminator.config.resolution))
    places = {"conv0.weight": "conv1.0.weight", "conv0.bias": "conv1.1.bias", "skip.weight": "skip.1.weight"}
    places |= {"conv1.weight": "conv2.1.weight", "conv1.bias": "conv2.2.bias"}
    ends = {"b4.conv.weight": "final_conv.0.weight", "b4.conv.bias": "final_conv.1.bias"}
    ends |= {f"b4.{a}.{kind}": f"final_linear.{b}.{kind}" for a, b in (("fc", 0), ("out", 1)) for kind in ("weight", "bias")}
    state = {}
    for name, value in discriminator.state_dict().items():
        block, _, rest = name.partition(".")
        index = top - int(math.log2(int(block[1:]))) + 1
        if rest.startswith("fromrgb"):
            theirs = "convs.0.0.weight" if rest.endswith("weight") else "convs.0.1.bias"
        else:
            theirs = ends.get(name) or f"convs.{index}.{places[rest]}"
        state[theirs] = value.clone()
    for index in range(1, top - 1):
        state[f"convs.{index}.conv2.0.kernel"] = FILTER.clone()
        state[f"convs.{index}.skip.0.kernel"] = FILTER.clone()
    return state


def torch_file(value: Any, legacy: bool = False) -> bytes:
    """What `torch.save` writes, of either generation."""
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


class Runs:
    """Pickles as a call of anything."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def repacked(data: bytes, change: Callable[[str, bytes], bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """The same archive with every entry changed by `change(name, content)`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return buffer.getvalue()


def refusal(path: Path, data: bytes, load: Callable[[Path], Any] = load_generator) -> str:
    """Load bytes as a file; return the error, which must be one line that names the file."""
    path.write_bytes(data)
    with pytest.raises(NadaError) as info:
        load(path)
    message = str(info.value)
    assert str(path) in message and "\n" not in message and len(message) < 600
    return message
