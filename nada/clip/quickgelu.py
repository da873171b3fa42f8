"""Which activation a set of CLIP weights was trained with, which the weights themselves do not say.

OpenAI trained with QuickGELU, `x * sigmoid(1.702 x)`; most later weights of the same shapes use exact GELU.
Either loads into the other without an error and then encodes slightly wrong, so the choice is made here,
once, and recorded.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.casefold())


def _tag_in_file_name(open_clip: ModuleType, name: str, path: Path) -> dict[str, Any]:
    """The published weights whose tag stands in the file's name, longest tag first; {} if there are none."""
    for tag in sorted(open_clip.list_pretrained_tags_by_model(name), key=len, reverse=True):
        if _words(tag) in _words(path.stem):
            return open_clip.get_pretrained_cfg(name, tag)
    return {}


def needs_quick_gelu(open_clip: ModuleType, name: str, tag: dict[str, Any], path: Path, archive: bool) -> bool:
    """Whether the weights in `path` want QuickGELU in the model `name`.

    Known from the tag's entry in open_clip's registry (`tag`, {} for a local file), from the model's own
    config, from the form of the file (`archive`: TorchScript, as only OpenAI published), or from a tag in the
    file's name. Where all of these are silent and both kinds of weights exist for the model, exact GELU is
    taken, with a warning.
    """
    if open_clip.get_model_config(name).get("quick_gelu", False) or archive:
        return True
    known = tag or _tag_in_file_name(open_clip, name, path)
    if known:
        return bool(known.get("quick_gelu", False))
    if f"{name}-quickgelu" in open_clip.list_models():
        warnings.warn(
            f"{path.name} does not say which activation it was trained with and is read with GELU; "
            f"if these are OpenAI's weights, write {name}-quickgelu={path} instead.",
            stacklevel=2,
        )
    return False
