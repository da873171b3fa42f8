"""Our own format: a folder with `model.safetensors` and `config.json`, and small files of adapted tensors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nada.checkpoints.problems import BadFile, printable
from nada.checkpoints.sizes import build_generator, generator_sizes
from nada.errors import NadaError
from nada.files import encode_json, read_json, write_bytes
from nada.models import Generator, GeneratorConfig

FORMAT, VERSION = "nada-generator", 1
WEIGHTS, CONFIG, ADAPTATION = "model.safetensors", "config.json", "adaptation.safetensors"
_WORD_LISTS = ("class_names", "prompts")
BASE_HASH = "base_sha256"  # the metadata key by which an adaptation knows its base


def hash_generator(generator: Generator) -> str:
    """Return 64 hex digits that name the weights: sha256 over names, shapes and float32 values.

    `mapping.w_avg` is left out. Files without it get it computed, and that sum may differ in its last bit
    between machines; it moves no picture without truncation.
    """
    digest = hashlib.sha256()
    for name, value in sorted(generator.state_dict().items()):
        if name != "mapping.w_avg":
            values = value.detach().cpu().float().contiguous()
            digest.update(f"{name} {list(values.shape)}\n".encode())
            digest.update(values.numpy().astype("<f4", copy=False).tobytes())
    return digest.hexdigest()


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}


def save_generator(folder: str | Path, generator: Generator, metadata: Mapping[str, Any] | None = None) -> Path:
    """Write a generator as a folder that `load_generator` reads, replacing an older one file by file.

    Args:
        metadata: anything for JSON, such as where the weights come from; kept under "metadata".

    Raises:
        NadaError: if the place cannot be written, or holds a `config.json` of something else.
    """
    folder = Path(folder)
    if (folder / CONFIG).exists():
        _read_config(folder)
    for name, data in encode_generator(generator, metadata).items():
        write_bytes(folder / name, data)
    return folder


def encode_generator(generator: Generator, metadata: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """Return what `save_generator` writes: the bytes of each file by its name."""
    from safetensors.torch import save

    content = {
        "format": FORMAT,
        "version": VERSION,
        "config": generator.config.to_dict(),
        "metadata": dict(metadata or {}),
    }
    weights = save(_plain(generator.state_dict()), metadata={"format": "pt"})
    return {WEIGHTS: weights, CONFIG: encode_json(content)}


def _read_config(folder: Path) -> dict[str, Any]:
    content = read_json(folder / CONFIG)
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("config"), dict):
        raise NadaError(f"{folder / CONFIG} does not describe a generator (no format {FORMAT!r}); choose another folder.")
    if content.get("version") != VERSION:
        raise NadaError(f"{folder} is of version {content.get('version')!r} of the format; update nada to read it.")
    return content


def is_native(folder: Path) -> bool:
    """Return whether a folder holds the weights of a generator."""
    return (folder / WEIGHTS).is_file() and (folder / CONFIG).is_file()


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file: the tensors and the text metadata. Raises NadaError naming the file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            return tensors, dict(file.metadata() or {})
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error
    except (SafetensorError, ValueError, RuntimeError, MemoryError) as error:
        raise NadaError(f"{path} is damaged or no safetensors file; copy or download it again.") from error


def _checked_config(folder: Path, values: Mapping[str, Tensor]) -> GeneratorConfig:
    """Return the configuration of config.json. Raises BadFile unless its sizes are those of the tensors."""
    content = _read_config(folder)["config"]
    settings = {
        key: tuple(content[key]) if isinstance(content[key], list) else content[key]
        for key in ("conv_clamp", "mapping_lr_multiplier", *_WORD_LISTS, "text_guide")
        if key in content
    }
    _check_settings(settings)
    sizes = generator_sizes({name: tuple(value.shape) for name, value in values.items()}, **settings)
    for key, found in sizes.to_dict().items():
        if key in content and content[key] != found:
            raise BadFile(f"does not fit together: {CONFIG} says {key} = {str(content[key])[:80]}, the weights say {found}")
    return sizes


def _check_settings(settings: Mapping[str, Any]) -> None:
    def positive(value: Any) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e9

    for key in _WORD_LISTS:
        names = settings.get(key, ())
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
            raise BadFile(f"has {key} in {CONFIG} that are no list of words")
    if not isinstance(settings.get("text_guide", ""), str):
        raise BadFile(f"has a text_guide in {CONFIG} that is no name")
    if settings.get("conv_clamp") is not None and not positive(settings["conv_clamp"]):
        raise BadFile(f"has an impossible conv_clamp in {CONFIG}")
    if not positive(settings.get("mapping_lr_multiplier", 0.01)):
        raise BadFile(f"has an impossible mapping_lr_multiplier in {CONFIG}")


def read_folder(folder: Path) -> Generator:
    """Read a generator that `save_generator` wrote. Raises BadFile, and NadaError naming the file."""
    _read_config(folder)
    values, _ = read_tensors(folder / WEIGHTS)
    return build_generator(_checked_config(folder, values), values)


def read_metadata(folder: Path) -> dict[str, Any]:
    """Return what `save_generator` was given as `metadata`."""
    metadata = _read_config(folder).get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def save_adaptation(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Path:
    """Write the tensors that an adaptation moved, by their names in the generator.

    Args:
        metadata: text only; `base_sha256` must be there, the `hash_generator` of the base.

    Raises:
        NadaError: if the hash is missing or the place cannot be written.
    """
    return write_bytes(path, encode_adaptation(tensors, metadata))


def encode_adaptation(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Return the bytes that `save_adaptation` writes. Raises NadaError if the hash is missing."""
    from safetensors.torch import save

    if len(metadata.get(BASE_HASH, "")) != 64:
        raise NadaError(f"An adaptation needs the hash of its base as metadata[{BASE_HASH!r}].")
    # One key, since safetensors writes several in random order and equal runs shall give equal bytes.
    return save(_plain(tensors), metadata={"nada": json.dumps(dict(metadata), sort_keys=True)})


def read_adaptation(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return what `save_adaptation` wrote: tensors and metadata. Raises NadaError naming the file."""
    tensors, stored = read_tensors(path)
    metadata = _metadata_of(stored)
    if metadata is None:
        raise NadaError(f"{path} is no adaptation of nada: it does not say what it was made from.")
    return tensors, metadata


def _metadata_of(stored: Mapping[str, str]) -> dict[str, str] | None:
    try:
        metadata = json.loads(stored.get("nada", ""))
    except ValueError:
        return None
    return metadata if isinstance(metadata, dict) else {}


def is_adaptation(path: Path) -> bool:
    """Return whether a file is an adaptation: by its name in a run folder, elsewhere by its head."""
    if path.name == ADAPTATION or path.suffix != ".safetensors":
        return path.name == ADAPTATION
    return BASE_HASH in read_head(path)


def read_head(path: Path) -> dict[str, str]:
    """Return what an adaptation says of itself, its tensors unread; empty for a file that is none or cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            return _metadata_of(file.metadata() or {}) or {}
    except (OSError, SafetensorError, ValueError, RuntimeError, MemoryError):
        return {}  # whoever reads it as something else says what is wrong


def adaptation_file(path: Path) -> Path:
    """Return the file of an adaptation, which may be given by the folder it lies in."""
    return path / ADAPTATION if path.is_dir() else path


@torch.no_grad()
def apply_adaptation(base: Generator, path: Path, base_name: str) -> dict[str, str]:
    """Put the adapted tensors of a file into `base`, in place, and return the file's metadata.

    Raises NadaError if the file was made from another base, or holds tensors that do not fit.
    """
    tensors, metadata = read_adaptation(path)
    if metadata.get(BASE_HASH) != hash_generator(base):
        raise NadaError(
            f"{path} was made from another generator than {base_name} is now (their hashes differ); "
            "give back the one it was trained from."
        )
    check_adapted(tensors, base, str(path), base_name)
    targets = base.state_dict()
    for name, value in tensors.items():
        targets[name].copy_(value)
    return metadata


def check_adapted(tensors: Mapping[str, Tensor], base: Generator, path: str, base_name: str) -> None:
    """Raise NadaError, naming `path` and `base_name`, unless every tensor is finite and `base` has one of its form."""
    targets = base.state_dict()
    for name, value in tensors.items():
        if name not in targets or value.shape != targets[name].shape:
            raise NadaError(f"{path} holds {printable(name)} {list(value.shape)}, which {base_name} does not have.")
        if not value.is_floating_point() or not torch.isfinite(value).all():
            raise NadaError(f"{path} holds NaN or infinity in {name}; resume the run from an earlier state.")
