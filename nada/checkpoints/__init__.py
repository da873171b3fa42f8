"""Pretrained networks of every common format, read as data; our own format; and where to get them.

Names are imported when they are first used: listing the registry needs no torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "load_generator": "loading",
    "load_discriminator": "loading",
    "read_generator": "loading",
    "save_generator": "native",
    "save_discriminator": "discriminators",
    "hash_generator": "native",
    "save_adaptation": "native",
    "apply_adaptation": "native",
    "export_generator": "rosinality_export",
    "KNOWN": "registry",
    "fetch": "registry",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
