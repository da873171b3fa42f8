"""CLIP-guided domain adaptation of StyleGAN2 generators.

Importing this package loads nothing else: its names, which stand in `__init__.pyi`, are resolved when they are first used.
"""

from __future__ import annotations

from nada._lazy import attach

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach(__name__, __file__, "__version__")
