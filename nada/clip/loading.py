"""Turns a guide's spec into an open_clip model with its weights and its tokenizer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from nada._compat import import_open_clip
from nada.clip.archives import is_torchscript, read_torchscript
from nada.clip.quickgelu import needs_quick_gelu
from nada.clip.registry import download, find_model, find_tag, short
from nada.clip.specs import GuideSpec
from nada.errors import NadaError

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "guides"
CONFIG, NOTES = "open_clip_config.json", "nada.json"
# What archives keep as tensors among the weights: OpenAI's sizes, and the causal mask, which is computed.
_NOT_WEIGHTS = ("input_resolution", "context_length", "vocab_size", "attn_mask")


@dataclass(frozen=True)
class LoadedModel:
    """An open_clip model ready to encode, and the facts about it that a record needs."""

    model: nn.Module
    tokenize: Callable[[list[str]], Tensor]  # sentences -> long (N, context length)
    weights: Path
    quick_gelu: bool
    notes: dict[str, Any] = field(default_factory=dict)  # nada.json of a bundled or local folder


@contextmanager
def _without_random_weights_warning() -> Iterator[None]:
    """open_clip warns when it builds a model before its weights are read, which is what happens here."""

    def wanted(record: logging.LogRecord) -> bool:
        return "initialized randomly" not in record.getMessage()

    root = logging.getLogger()
    root.addFilter(wanted)
    try:
        yield
    finally:
        root.removeFilter(wanted)


def _read_weights(open_clip: ModuleType, model: nn.Module, path: Path, archive: bool, what: str) -> None:
    """Load `path` into `model`, every tensor exactly once. Raises NadaError; no code in the file is run."""
    try:
        if archive:
            tensors = read_torchscript(path).items()
            weights = {name: tensor for name, tensor in tensors if name.split(".")[-1] not in _NOT_WEIGHTS}
            model.load_state_dict(weights, strict=True)
        else:
            open_clip.load_checkpoint(model, str(path), strict=True, weights_only=True)
    except NadaError:
        raise
    except Exception as error:  # torch, safetensors, pickle and zip errors have no common ancestor
        raise NadaError(
            f"{path} does not hold weights of {what} ({short(error)}); name the model it was made for, "
            "or save its plain state_dict as .safetensors."
        ) from error
    if not all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values()):
        raise NadaError(f"{path} holds NaN or infinite weights; fetch or export the file again.")


def load_model(spec: GuideSpec, quick_gelu: bool | None = None) -> LoadedModel:
    """Load the model that `spec` names, on the CPU, in fp32, frozen, in eval mode.

    `quick_gelu` overrides the activation that the weights are known or believed to need.
    Raises UsageError for a name or tag that does not exist and NadaError for a missing or unfit file.
    """
    if spec.bundled:
        return _load_folder(spec, ASSETS / spec.bundled, quick_gelu)
    if spec.folder:
        return _load_folder(spec, spec.folder, quick_gelu)
    open_clip = import_open_clip()
    name = find_model(open_clip, spec)
    tag = find_tag(open_clip, name, spec.tag) if spec.tag else {}
    path = spec.file or download(open_clip, spec, name, tag)
    if not path.is_file():
        raise NadaError(f"The guide's file {path} does not exist; check the path behind '{spec.model}='.")
    archive = is_torchscript(path)
    quick = needs_quick_gelu(open_clip, name, tag, path, archive) if quick_gelu is None else quick_gelu
    preprocess = {key: tag[key] for key in ("mean", "std", "interpolation", "resize_mode") if key in tag}
    model = _build(open_clip, name, quick, preprocess)
    _read_weights(open_clip, model, path, archive, name)
    return LoadedModel(_frozen(model), open_clip.get_tokenizer(name), path, quick)


def _build(open_clip: ModuleType, name: str, quick_gelu: bool, preprocess: dict[str, Any] | None = None) -> nn.Module:
    with _without_random_weights_warning():
        return open_clip.create_model(
            name,
            load_weights=False,
            pretrained_text=False,
            quick_gelu=quick_gelu,
            force_preprocess_cfg=preprocess or None,
        )


def _frozen(model: nn.Module) -> nn.Module:
    return model.float().eval().requires_grad_(False)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NadaError(f"{path} cannot be read as JSON ({error}); restore the file.") from error
    if not isinstance(content, dict):
        raise NadaError(f"{path} does not hold a JSON object; restore the file.")
    return content


def _load_folder(spec: GuideSpec, folder: Path, quick_gelu: bool | None) -> LoadedModel:
    """Load an open_clip folder: config and weights, and beside them perhaps our notes and a vocabulary."""
    if not (folder / CONFIG).is_file():
        missing = f"{folder} has no {CONFIG}" if folder.is_dir() else f"there is no folder {folder}"
        remedy = "install the package again" if spec.bundled else "check the path, or use NAME/TAG"
        raise NadaError(f"The guide {spec.name} cannot be loaded: {missing}; {remedy}.")
    config = _read_json(folder / CONFIG).get("model_cfg")
    if not isinstance(config, dict) or not isinstance(config.get("text_cfg"), dict):
        raise NadaError(f"{folder / CONFIG} has no model_cfg with a text_cfg, so it is no open_clip model.")
    open_clip = import_open_clip()
    weights = _weights_in(folder)
    quick = bool(config.get("quick_gelu", False)) if quick_gelu is None else quick_gelu
    place = f"local-dir:{folder}"
    try:
        model = _build(open_clip, place, quick)
        tokenizer = open_clip.get_tokenizer(place, **_vocabulary(folder, config["text_cfg"]))
    except Exception as error:  # open_clip raises whatever its model classes raise
        raise NadaError(f"open_clip cannot build {folder / CONFIG} ({short(error)}); restore it.") from error
    _check_vocabulary(folder, config["text_cfg"], tokenizer)
    _read_weights(open_clip, model, weights, is_torchscript(weights), str(folder / CONFIG))
    notes = _read_json(folder / NOTES) if (folder / NOTES).is_file() else {}
    return LoadedModel(_frozen(model), tokenizer, weights, quick, notes)


def _weights_in(folder: Path) -> Path:
    """The checkpoint of the folder, preferring the names and the order that open_clip prefers."""
    stems = ("open_clip_model", "open_clip_pytorch_model", "model", "pytorch_model")
    for suffix in (".safetensors", ".bin", ".pth", ".pt"):
        found = [folder / (stem + suffix) for stem in stems if (folder / (stem + suffix)).is_file()]
        if found or (found := sorted(folder.glob("*" + suffix))):
            return found[0]
    raise NadaError(f"{folder} holds no weights; put open_clip_model.safetensors beside {CONFIG}.")


def _vocabulary(folder: Path, text_config: dict[str, Any]) -> dict[str, str]:
    """Tokenizer arguments: a merges file named in the config is looked for in the folder itself."""
    merges = (text_config.get("tokenizer_kwargs") or {}).get("bpe_path")
    if merges is None:
        return {}
    if not (folder / merges).is_file():
        raise NadaError(f"{folder} lacks its vocabulary {merges}, which {CONFIG} names; restore the file.")
    return {"bpe_path": str(folder / merges)}


def _check_vocabulary(folder: Path, text_config: dict[str, Any], tokenizer: Any) -> None:
    table, words = text_config.get("vocab_size", 49408), getattr(tokenizer, "vocab_size", 0)
    if words > table:
        raise NadaError(
            f"The vocabulary of {folder} has {words} tokens but its model knows {table}; "
            "its config must name the vocabulary the model was trained with."
        )
