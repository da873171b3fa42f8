"""Inception features: the ones of FID, KID and the inception score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nada.errors import NadaError
from nada.features.extractor import Extractor
from nada.features.inception_network import CLASSES, SIZE, WIDTH, Inception
from nada.features.resizing import find_convention
from nada.features.weights import Weights, fit, read_weights
from nada.files import cache_folder
from nada.web import save_file

# TensorFlow's weights of 5 December 2015, as pytorch-fid converted them; torch-fidelity publishes the same bytes.
FILE = "pt_inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{FILE}"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
_ROWS = 4096  # of features that become logits at a time
_WHAT = f"Inception's weights for FID (such as {FILE})"


class InceptionFeatures(Extractor):
    """The 2048 features before the classes, with the resize convention of the number to be compared with.

    Args:
        weights: a file as `read_weights` reads it.
        resize: a name of `nada.features.resizing.CONVENTIONS`.
        device: where to compute.
    """

    def __init__(self, weights: Weights, resize: str = "legacy", device: str | torch.device = "cpu") -> None:
        self._convention = find_convention(resize)
        self.published = weights.sha256 == SHA256
        name, tag = ("inception", "inception")
        if not self.published:
            name, tag = f"inception={weights.path.name}", f"inception_{weights.sha256[:8]}"
        super().__init__(name, tag, WIDTH, SIZE, device)
        _refuse_torchvision(weights)
        self._weights, self._network = weights, fit(Inception, weights, _WHAT).to(self.device)

    @property
    def distance_name(self) -> str:
        """ "FID" with the published weights; `fd_inception_<start of the checksum>` with any others."""
        return "FID" if self.published else super().distance_name

    def logits(self, images: Any) -> np.ndarray:
        """Logits `(N, 1008)` of uint8 pictures `(N, H, W, 3)`, without the last layer's bias, as published scores do."""
        return self.logits_of(self.features(images))

    def logits_of(self, features: np.ndarray) -> np.ndarray:
        """The same from features `(N, 2048)`, which need not be computed twice."""
        if features.ndim != 2 or features.shape[1] != WIDTH:
            raise NadaError(f"Logits need Inception's features (N, {WIDTH}), not {features.shape}.")
        weight = self._network.fc.weight.cpu().T
        logits = np.empty((len(features), CLASSES), np.float32)
        for start in range(0, len(features), _ROWS):
            # A copy of some rows: features may be mapped from a file and too many for memory, and torch warns of such arrays.
            rows = np.array(features[start : start + _ROWS], np.float32)
            logits[start : start + _ROWS] = torch.from_numpy(rows).matmul(weight).numpy()
        return logits

    def describe(self) -> dict[str, Any]:
        """All that is needed to tell these features from others, JSON-able."""
        return {
            "name": self.name,
            "tag": self.tag,
            "network": "Inception v3, TensorFlow 2015-12-05",
            "published": self.published,
            "file": str(self._weights.path),
            "sha256": self._weights.sha256,
            "width": self.width,
            "classes": CLASSES,
            "size": self.size,
            **self._convention.describe(),
        }

    def _embed(self, pixels: Tensor) -> Tensor:
        return self._network(self._convention.prepare(pixels, SIZE))


def _refuse_torchvision(weights: Weights) -> None:
    """torchvision's Inception has nearly the same names, and distances that compare with nothing published."""
    last = weights.tensors.get("fc.weight")
    if "AuxLogits.fc.weight" in weights.tensors or (last is not None and last.shape[:1] == (1000,)):
        raise NadaError(
            f"{weights.path} holds torchvision's Inception of 1000 classes, another network than that of published "
            f"FIDs; give {FILE}, or write inception alone to fetch it."
        )


def cached_weights() -> Path:
    """Return the file of the published weights, fetched into the cache unless it is there. Raises NadaError."""
    path = cache_folder() / "features" / FILE
    if not path.is_file():
        advice = (
            f"Or download {URL} elsewhere and give that file as inception=FILE; "
            "the features demo-judge come with this package."
        )
        save_file(URL, path, f"sha256:{SHA256}", advice=advice)
    return path


def load_inception(file: Path | None, resize: str, device: str | torch.device) -> InceptionFeatures:
    """Load the network from `file`, or with the published weights for None. Raises NadaError and UsageError."""
    find_convention(resize)  # before anything is fetched
    features = InceptionFeatures(read_weights(file or cached_weights(), _WHAT), resize, device)
    if file is None and not features.published:
        path = features.describe()["file"]
        raise NadaError(f"{path} is not the published file, whose sha256 is {SHA256}; delete it to fetch it again.")
    return features
