"""Walks: from latent to latent, from a source to its domain and on to another, from one photograph to the next.

    frames = interpolate(nada.load_generator("demo"), seeds=[1, 2, 3], frames=60, loop=True)
    nada.save_movie("walk.gif", frames)

A walk has a length and can be asked for any frame; a frame is computed when it is asked for, and not kept.
Names are imported when they are first used.
"""

from __future__ import annotations

from nada._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
