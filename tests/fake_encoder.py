"""A small encoder for tests of what stands on encoders: deterministic, differentiable, no open_clip."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE, WIDTH = 16, 4


class FakeEncoder:
    """Follows `nada.clip.Encoder`. Pictures: 4x4 average, one hidden layer. Sentences: a vector per word."""

    def __init__(self, name: str = "fake", weight: float = 1.0, *, width: int = 16, words: list[str] | None = None) -> None:
        self.name, self.weight, self.image_size = name, weight, SIZE
        self.templates = ["{}", "a picture of {}"]
        self._width, self._words = width, words
        self.parameters = [self._matrix("hidden", 3 * WIDTH * WIDTH, 32), self._matrix("out", 32, width)]

    def _matrix(self, role: str, rows: int, columns: int) -> nn.Parameter:
        values = _randn(f"{self.name}/{role}", rows * columns).reshape(rows, columns) / rows**0.5
        return nn.Parameter(values, requires_grad=False)

    def encode_image(self, images: Tensor) -> Tensor:
        small = functional.adaptive_avg_pool2d(images.float(), WIDTH).flatten(1)
        hidden, out = (matrix.to(small.device) for matrix in self.parameters)
        return functional.normalize(torch.tanh(2 * small @ hidden + 0.1) @ out, dim=1)

    def encode_text(self, texts: list[str]) -> Tensor:
        return functional.normalize(torch.stack([self._sum_of_words(text) for text in texts]), dim=1)

    def _sum_of_words(self, text: str) -> Tensor:
        return sum(_randn(f"{self.name}/{word}", self._width) for word in text.lower().split())

    def unknown_words(self, prompt: str) -> list[str]:
        return [] if self._words is None else [word for word in prompt.split() if word not in self._words]

    def describe(self) -> dict[str, Any]:
        return {"name": self.name, "weight": self.weight, "image_size": self.image_size}


def _randn(name: str, count: int) -> Tensor:
    state = np.random.RandomState(zlib.crc32(name.encode()))
    return torch.from_numpy(state.randn(count).astype(np.float32))
