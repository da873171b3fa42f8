"""CLIP-guided domain adaptation of StyleGAN2 generators.

Importing this package loads nothing else: its names are resolved when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nada.adaptation import AdaptResult as AdaptResult
    from nada.adaptation import adapt as adapt
    from nada.checkpoints import load_discriminator as load_discriminator
    from nada.checkpoints import load_generator as load_generator
    from nada.checkpoints import save_generator as save_generator
    from nada.clip import Guide as Guide

_HOMES = {
    "AdaptResult": "nada.adaptation",
    "adapt": "nada.adaptation",
    "Guide": "nada.clip",
    "load_discriminator": "nada.checkpoints",
    "load_generator": "nada.checkpoints",
    "save_generator": "nada.checkpoints",
}
_MODULES = ("checkpoints", "clip", "images", "metrics", "models", "ops", "selection")

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"nada.{name}")
    raise AttributeError(f"module 'nada' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
