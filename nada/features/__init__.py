"""Feature extractors: pictures in, arrays of features out, for the scores of `nada.metrics`.

    extractor = load_features("inception=pt_inception-2015-12-05-6726825d.pth", resize="clean")
    extractor.features(pictures)  # uint8 (N, H, W, 3) -> float32 (N, 2048)

A Fréchet distance is called FID only on the Inception network with its published weights; on anything else it is
`fd_<features>` (`Extractor.distance_name`). Importing this package loads no torch; names are resolved when they are
first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nada.features.dinov2 import DinoFeatures as DinoFeatures
    from nada.features.extractor import Extractor as Extractor
    from nada.features.guides import GuideFeatures as GuideFeatures
    from nada.features.inception import InceptionFeatures as InceptionFeatures
    from nada.features.loading import load_features as load_features
    from nada.features.lpips import LpipsFeatures as LpipsFeatures

_HOMES = {
    "DinoFeatures": "dinov2",
    "Extractor": "extractor",
    "GuideFeatures": "guides",
    "InceptionFeatures": "inception",
    "LpipsFeatures": "lpips",
    "load_features": "loading",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"nada.features.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'nada.features' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
