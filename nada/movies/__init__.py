"""Frames into moving pictures: GIF, MP4, or a folder of PNGs, written as they come, so that length costs no memory.

    save_movie("walk.gif", frames, fps=25)     # frames: a list of uint8 (H, W, 3), or anything with a length and [i]

Names are imported when they are first used.
"""

from __future__ import annotations

from nada._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
