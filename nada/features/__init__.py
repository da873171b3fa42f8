"""Feature extractors: pictures in, arrays of features out, for the scores of `nada.metrics`.

    extractor = load_features("inception=pt_inception-2015-12-05-6726825d.pth", resize="clean")
    extractor.features(pictures)  # uint8 (N, H, W, 3) -> float32 (N, 2048)

A Fréchet distance is called FID only on the Inception network with its published weights; on anything else it is
`fd_<features>` (`Extractor.distance_name`). Importing this package loads no torch; names are resolved when they are
first used.
"""

from __future__ import annotations

from nada._lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
