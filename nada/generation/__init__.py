"""Pictures out of generators: by seed, between two weights, mixed in style, or searched for by a sentence.

    for picture in generate("demo", seeds=range(4), classes=["apple"]):
        picture.save("apples")                       # apples/seed0000.png, its settings in the file
    found = search("demo", "red apple", of=200, best=5)

Names are imported when they are first used.
"""

from __future__ import annotations

from nada._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
