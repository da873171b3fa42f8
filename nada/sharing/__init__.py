"""Sharing: a run or generator as a folder that others can read, or a repository of the Hugging Face hub.

    done = export("runs/00000-image-to-minimal-logo", "my-logo", license="cc-by-4.0")
    generator = nada.load_generator("my-logo")

Names are imported when they are first used.
"""

from __future__ import annotations

from nada._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
