"""Domains added, scaled and mixed into one that is kept: a small file on a base, or a whole generator.

    made = mix(["runs/00000-logo", "runs/00001-sketch"], [0.7, 0.3])
    made.generator.sample(seeds=range(16))

Names are imported when they are first used.
"""

from __future__ import annotations

from nada._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
