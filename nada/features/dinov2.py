"""DINOv2 features: Oquab et al. 2023 (arXiv:2304.07193), which Stein et al. 2023 found to judge pictures as people do.

The network is a plain vision transformer; its sizes are read off the official state dict
(`dinov2_vits14_pretrain.pth` and its larger siblings, without registers).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nada import images as pictures
from nada.errors import NadaError
from nada.features.extractor import Extractor
from nada.features.weights import Weights, fit, read_weights

SIZE, PATCH, HEAD = 224, 14, 64
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of values in [0, 1]
_NAMES = {384: "vits14", 768: "vitb14", 1024: "vitl14"}
_OFFSET = 0.1  # the published code enlarges the grid by a tenth of a patch before it asks for a scale; numbers hang on it
_WHAT = "DINOv2's weights (such as dinov2_vits14_pretrain.pth)"


class _Scale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).unflatten(2, (3, -1, HEAD)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class _Mlp(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class _Block(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = _Attention(width), _Mlp(width, hidden)
        self.ls1, self.ls2 = _Scale(width), _Scale(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class VisionTransformer(nn.Module):
    """Pictures `(N, 3, H, W)`, sides multiples of 14, normalised, to the class token `(N, width)` after the last norm.

    Args:
        width: of a token; a head has 64.
        depth: blocks.
        hidden: width inside the blocks' perceptrons.
        places: position embeddings, the class token's included, as trained.
    """

    def __init__(self, width: int, depth: int, hidden: int, places: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, places, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, PATCH, PATCH)})
        self.blocks = nn.ModuleList(_Block(width, hidden) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, width)."""
        patches = self.patch_embed["proj"](x)
        tokens = torch.cat([self.cls_token.expand(len(x), -1, -1), patches.flatten(2).transpose(1, 2)], 1)
        x = tokens + resized_positions(self.pos_embed, patches.shape[-1])
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]


def resized_positions(embedding: Tensor, side: int) -> Tensor:
    """Position embeddings `(1, 1 + s * s, D)` for a grid of `side`: bicubic, by the published code's odd scale."""
    trained = round((embedding.shape[1] - 1) ** 0.5)
    if trained == side:
        return embedding
    grid = embedding[:, 1:].unflatten(1, (trained, trained)).permute(0, 3, 1, 2)
    scale = (side + _OFFSET) / trained
    grid = functional.interpolate(grid, scale_factor=(scale, scale), mode="bicubic", align_corners=False)
    return torch.cat([embedding[:, :1], grid.flatten(2).transpose(1, 2)], 1)


class DinoFeatures(Extractor):
    """The class token, of pictures resized to 224 px: bicubic, antialiased, clipped, not rounded."""

    def __init__(self, weights: Weights, device: str | torch.device = "cpu") -> None:
        width, depth, hidden, places = _sizes(weights)
        self._weights = weights
        self._network = fit(lambda: VisionTransformer(width, depth, hidden, places), weights, _WHAT, ("mask_token",))
        self._kind = _NAMES.get(width, f"width{width}")
        # No checksums are published, so that only the file's own tells its features from those of another.
        tag = f"dinov2_{self._kind}_{weights.sha256[:8]}"
        super().__init__(f"dinov2={weights.path.name}", tag, width, SIZE, device)
        self._network.to(self.device)
        self._mean, self._std = (torch.tensor(row, device=self.device).view(1, 3, 1, 1) for row in (MEAN, STD))

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "tag": self.tag,
            "network": f"DINOv2 {self._kind}, {len(self._network.blocks)} blocks, class token",
            "file": str(self._weights.path),
            "sha256": self._weights.sha256,
            "width": self.width,
            "size": self.size,
            "resize": "squash",
            "filter": "bicubic",
            "antialias": True,
            "range": f"(x / 255 - {list(MEAN)}) / {list(STD)}",
        }

    def _embed(self, pixels: Tensor) -> Tensor:
        small = pictures.resize(pixels, SIZE, filter="bicubic", antialias=True).clamp(0, 255)
        return self._network((small / 255 - self._mean) / self._std)


def _sizes(weights: Weights) -> tuple[int, int, int, int]:
    """Width, depth, hidden width and places of the network in the file. Raises NadaError if it is of another kind."""
    tensors = weights.tensors
    if "register_tokens" in tensors or "blocks.0.mlp.w12.weight" in tensors:
        kind = "a DINOv2 with registers" if "register_tokens" in tensors else "the giant DINOv2"
        raise NadaError(f"{weights.path} holds {kind}, which is not supported; give ViT-S/14, B/14 or L/14 without.")
    blocks = {int(found[1]) for name in tensors if (found := re.match(r"blocks\.(\d+)\.", name))}
    places, first = tensors.get("pos_embed"), tensors.get("blocks.0.mlp.fc1.weight")
    if places is None or first is None or places.ndim != 3 or places.shape[2] % HEAD or not places.shape[2]:
        raise NadaError(f"{weights.path} does not hold {_WHAT}; give the official state dict.")
    if round((places.shape[1] - 1) ** 0.5) ** 2 != places.shape[1] - 1:
        raise NadaError(f"{weights.path} has position embeddings of no square; give the official state dict.")
    return places.shape[2], len(blocks), first.shape[0], places.shape[1]


def load_dinov2(file: Path, device: str | torch.device) -> DinoFeatures:
    """Load the network in `file`. Raises NadaError."""
    return DinoFeatures(read_weights(file, _WHAT), device)
