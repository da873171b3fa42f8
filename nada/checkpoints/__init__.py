"""Pretrained networks of every common format, read as data; our own format; and where to get them.

Names are imported when they are first used: listing the registry needs no torch.
"""

from __future__ import annotations

from nada._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
