"""Pictures back into a generator's styles, by optimisation, and from there through any adaptation.

    generator = nada.load_generator("demo")
    photo = read_photo("apple.jpg", generator.config.resolution)
    inversion = invert(generator, photo, steps=300)
    inversion.w, inversion.pictures     # (1, num_ws, w_dim) and (1, 3, H, W)

Names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nada.inversion.api import invert as invert
    from nada.inversion.photos import Framing as Framing
    from nada.inversion.photos import read_photo as read_photo
    from nada.inversion.result import Inversion as Inversion
    from nada.inversion.result import load_inversion as load_inversion
    from nada.inversion.result import save_inversion as save_inversion

_HOMES = {
    "Framing": "photos",
    "Inversion": "result",
    "invert": "api",
    "load_inversion": "result",
    "read_photo": "photos",
    "save_inversion": "result",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
