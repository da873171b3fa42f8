"""How good are generated pictures: arrays of features in, numbers out, with their uncertainty.

Nothing here reads a file, draws from a global random state or knows where features come from. All sums are
float64, whatever the inputs are (NumPy arrays or torch tensors), and all random choices are seeded. Names are
resolved when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nada.metrics.frechet import frechet_distance as frechet_distance

_HOMES = {
    "frechet_distance": "frechet",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"nada.metrics.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'nada.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
