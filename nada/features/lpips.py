"""LPIPS: how different two pictures look. Zhang et al. 2018 (arXiv:1801.03924), version 0.1.

Feature maps after five layers of a classifier are scaled to unit length at each place; their squared differences are
weighted by channel, averaged over the places and summed. So LPIPS is a squared Euclidean distance, and `features`
are the vectors that it is one of: all N (N - 1) / 2 distances of N pictures need N passes through the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nada import images as pictures
from nada._compat import lpips_heads
from nada.errors import NadaError
from nada.features.extractor import Extractor, computing
from nada.features.weights import Weights, fit, read_weights

SIZE = 256
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # of values in [-1, 1], as the heads were trained
# Layers of torchvision's `features`: (out, kernel, stride, padding) is a convolution with its ReLU, "tap" a layer that
# LPIPS looks at, a number the side of a maximum pool with stride 2.
_ALEX = [(64, 11, 4, 2), "tap", 3, (192, 5, 1, 2), "tap", 3, (384, 3, 1, 1), "tap"]
_ALEX += [(256, 3, 1, 1), "tap", (256, 3, 1, 1), "tap"]
_VGG: list[Any] = []
for _out, _count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
    _VGG += [*([(_out, 3, 1, 1)] * _count), "tap", 2]
_LAYERS = {"alex": _ALEX, "vgg": _VGG[:-1]}
_SLICE = 1 << 12
_AT_ONCE = {"alex": 32, "vgg": 4}  # VGG-16 keeps some 100 MB for a picture
# torchvision writes the start of the checksum into the name of its files.
_PUBLISHED = {"alex": ("alexnet-owt-7be5be79.pth", "7be5be79"), "vgg": ("vgg16-397923af.pth", "397923af")}


class Backbone(nn.Module):
    """torchvision's AlexNet or VGG-16 as far as LPIPS needs it; parameters have torchvision's names."""

    def __init__(self, net: str) -> None:
        super().__init__()
        self.features, self.taps = nn.Sequential(), []
        width = 3
        for layer in _LAYERS[net]:
            if layer == "tap":
                self.taps.append(len(self.features) - 1)
            elif isinstance(layer, int):
                self.features.append(nn.MaxPool2d(layer, 2))
            else:
                self.features.append(nn.Conv2d(width, *layer))
                self.features.append(nn.ReLU(inplace=False))
                width = layer[0]

    def forward(self, x: Tensor) -> Iterator[Tensor]:
        """Pictures `(N, 3, H, W)` to the five feature maps, one after the other."""
        for number, layer in enumerate(self.features):
            x = layer(x)
            if number in self.taps:
                yield x


class LpipsFeatures(Extractor):
    """Vectors whose squared Euclidean distance is the LPIPS of two pictures, at 256 px.

    Pictures of another size are resized: bicubic, antialiased, clipped. Vectors are long: 0.6 million numbers with
    AlexNet, 7.5 million with VGG-16.

    Args:
        weights: torchvision's file, as `read_weights` reads it.
        net: "alex" or "vgg".
        device: where to compute.
    """

    def __init__(self, weights: Weights, net: str, device: str | torch.device = "cpu") -> None:
        self._weights, self._net = weights, net
        self._network = fit(lambda: Backbone(net), weights, _what(net), ("classifier.",)).to(device)
        self._heads_file = read_weights(lpips_heads(net), "the linear heads of LPIPS")
        self._heads = [head.to(device) for head in _heads(self._heads_file)]
        self._shift, self._scale = (torch.tensor(row, device=device).view(1, 3, 1, 1) for row in (SHIFT, SCALE))
        self.at_once = _AT_ONCE[net]
        self.published = weights.sha256.startswith(_PUBLISHED[net][1])
        with torch.no_grad():
            width = self._vectors(torch.zeros(1, 3, SIZE, SIZE, device=device)).shape[1]
        super().__init__(f"lpips-{net}={weights.path.name}", f"lpips_{net}", width, SIZE, device)

    def lpips_distance(self, a: Any, b: Any) -> np.ndarray:
        """LPIPS of uint8 pictures `(N, H, W, 3)` by index: float32 `(N,)`; 0 for pictures that are alike.

        Raises NadaError for arrays of different length, and as `features` does.
        """
        if len(a) != len(b):
            raise NadaError(f"LPIPS compares pictures by index, but there are {len(a)} and {len(b)}.")
        pairs = zip(self._batches(a), self._batches(b))
        with computing():
            parts = [(self._embed(first) - self._embed(second)).square().sum(1).cpu() for first, second in pairs]
        return self._checked(torch.cat(parts)[:, None] if parts else torch.empty(0, 1))[:, 0]

    def lpips_matrix(self, images: Any, memory: int = 1 << 30) -> np.ndarray:
        """LPIPS of all pairs of uint8 pictures `(N, H, W, 3)`: float32 `(N, N)`, symmetric, 0 on the diagonal.

        Vectors are kept for as many pictures as fit into `memory` bytes and are computed again for the next ones: with
        1 GiB, 1,000 pictures take 3,000 passes through AlexNet and 30,000 through VGG-16, where more memory is time.
        """
        images = np.asarray(images)
        step = max(1, memory // (2 * 4 * self.width))
        starts = range(0, len(images), step)
        found = np.zeros((len(images), len(images)), np.float32)
        with computing():
            for first in starts:
                rows = self._stacked(images[first : first + step])
                middle = rows.mean(0)
                rows -= middle
                for second in starts[starts.index(first) :]:
                    columns = rows if second == first else self._stacked(images[second : second + step]).sub_(middle)
                    part = _squared_distances(rows, columns).cpu().numpy()
                    found[first : first + step, second : second + step] = part
        found = np.triu(found, 1)
        return self._checked(torch.from_numpy(found + found.T))

    def _stacked(self, images: np.ndarray) -> Tensor:
        return torch.cat([self._embed(pixels) for pixels in self._batches(images)])

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "tag": self.tag,
            "network": f"LPIPS 0.1, {self._net}",
            "published": self.published,
            "file": str(self._weights.path),
            "sha256": self._weights.sha256,
            "heads_sha256": self._heads_file.sha256,
            "width": self.width,
            "size": self.size,
            "resize": "squash",
            "filter": "bicubic",
            "antialias": True,
            "range": f"(x / 127.5 - 1 - {list(SHIFT)}) / {list(SCALE)}",
        }

    def _embed(self, pixels: Tensor) -> Tensor:
        return self._vectors(pictures.resize(pixels, SIZE, filter="bicubic", antialias=True).clamp(0, 255))

    def vectors(self, images: Tensor, size: int = SIZE) -> Tensor:
        """Pictures `(N, 3, H, W)` in [-1, 1] to vectors `(N, D)`, differentiably; resized to `size`, not clipped.

        Their squared Euclidean distance is LPIPS where `size` is 256; its gradient brings values into the range.
        """
        return self._of_network(pictures.resize(images, size, filter="bicubic", antialias=True))

    def _vectors(self, pixels: Tensor) -> Tensor:
        return self._of_network(pixels / 127.5 - 1)

    def _of_network(self, images: Tensor) -> Tensor:
        maps = self._network((images - self._shift) / self._scale)
        return torch.cat([_vector(single, head) for single, head in zip(maps, self._heads)], 1)


def _vector(maps: Tensor, head: Tensor) -> Tensor:
    """Feature maps `(N, C, H, W)` of unit length at each place, times the roots of their share in the sum: `(N, CHW)`."""
    unit = maps / (maps.square().sum(1, keepdim=True).sqrt() + 1e-10)
    return (unit * (head / maps[0, 0].numel()).sqrt()).flatten(1)


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """`(n, D)` and `(m, D)` to float64 `(n, m)`. The origin should be among them, or the subtraction loses digits."""
    total = torch.zeros(len(a), len(b), dtype=torch.float64, device=a.device)
    # A million products added up in float32, as a matrix product does, would leave three digits.
    for x, y in zip(a.split(_SLICE, 1), b.split(_SLICE, 1)):
        products = (x @ y.T).double()
        total += x.square().sum(1)[:, None].double() + y.square().sum(1).double() - 2 * products
    return total.clamp_min(0)


def _heads(weights: Weights) -> list[Tensor]:
    heads = [weights.tensors.get(f"lin{number}.model.1.weight") for number in range(5)]
    if any(head is None or head.ndim != 4 or bool((head < 0).any()) for head in heads):
        raise NadaError(f"{weights.path} holds no heads of LPIPS; install torchmetrics again.")
    return [head.float().view(1, -1, 1, 1) for head in heads]


def _what(net: str) -> str:
    return f"the {'AlexNet' if net == 'alex' else 'VGG-16'} of torchvision (such as {_PUBLISHED[net][0]})"


def load_lpips(net: str, file: Path, device: str | torch.device) -> LpipsFeatures:
    """Load LPIPS on the backbone in `file`. Raises NadaError."""
    return LpipsFeatures(read_weights(file, _what(net)), net, device)
