"""The picture encoder of a guide as an extractor: CLIP features, or those bundled with this package."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from nada.clip import OpenClipEncoder, load_encoder
from nada.errors import UsageError
from nada.features.extractor import Extractor, tag_of


class GuideFeatures(Extractor):
    """Unit vectors of pictures, and of sentences in the same space. `encoder` is the guide's own.

    Its weight has no meaning here. The resize is the one that the encoder was trained with.
    """

    def __init__(self, encoder: OpenClipEncoder, device: str | torch.device = "cpu") -> None:
        self.encoder = encoder
        blank = torch.zeros(1, 3, encoder.image_size, encoder.image_size)
        with torch.no_grad():
            width = encoder.encode_image(blank).shape[1]
        super().__init__(encoder.name, _tag(encoder), width, encoder.image_size, device)

    def text_features(self, texts: list[str]) -> np.ndarray:
        """Unit vectors of sentences: float32 `(N, width)`."""
        with torch.no_grad():
            return self._checked(self.encoder.encode_text(texts).float().cpu())

    def describe(self) -> dict[str, Any]:
        facts = self.encoder.describe()
        mean, std = (facts.pop(key) for key in ("mean", "std"))
        for key in ("weight", "image_size", "templates"):
            facts.pop(key)
        return {
            **facts,
            "tag": self.tag,
            "width": self.width,
            "size": self.size,
            "resize": "squash" if self.encoder.squash else "centre crop",
            "range": f"(x / 255 - {mean}) / {std}",
        }

    def _embed(self, pixels: Tensor) -> Tensor:
        return self.encoder.encode_image(pixels / 127.5 - 1)


def _tag(encoder: OpenClipEncoder) -> str:
    """The name; of a file (MODEL=FILE) or folder (local-dir:NAME) with its checksum, as others may have the same name."""
    local = "=" in encoder.name or ":" in encoder.name
    return tag_of(f"{encoder.name} {encoder.describe()['sha256'][:8]}" if local else encoder.name)


def load_guide(spec: str, device: str | torch.device) -> GuideFeatures:
    """Load the guide that `spec` names, without a weight. Raises UsageError and NadaError."""
    encoder = load_encoder(spec, device)
    if encoder.weight != 1:
        raise UsageError(f"Features have no weight; write {spec.rpartition('@')[0]}.")
    return GuideFeatures(encoder, device)
