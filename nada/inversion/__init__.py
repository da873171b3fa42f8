"""Pictures back into a generator's styles, by optimisation, and from there through any adaptation.

    generator = nada.load_generator("demo")
    photo = read_photo("apple.jpg", generator.config.resolution)
    inversion = invert(generator, photo)
    inversion.w, inversion.pictures     # (1, num_ws, w_dim) and (1, 3, H, W)

Names are imported when they are first used.
"""

from __future__ import annotations

from nada._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
