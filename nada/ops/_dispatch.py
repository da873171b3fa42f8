"""Which body an operator's face calls."""

from __future__ import annotations

import torch
from torch import Tensor

from nada.ops import _library

_FUSED_TYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
NO_CLAMP = -1.0  # how the library is told that there is no bound


def fused(x: Tensor) -> bool:
    """Whether the compiled library takes `x`: its type, its device, and what `NADA_OPS` says."""
    return x.dtype in _FUSED_TYPES and _library.compiled(x)


def bound(clamp: float | None) -> float:
    """Return `clamp` as the library takes it."""
    return NO_CLAMP if clamp is None else float(clamp)
