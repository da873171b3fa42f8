"""What compares a photograph with a reconstruction: feature maps of a guide, or LPIPS, as one vector per picture.

The squared Euclidean distance of two vectors is the perceptual distance. Everything is differentiable.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from nada.clip import OpenClipEncoder, load_encoder
from nada.errors import NadaError, UsageError
from nada.features import LpipsFeatures, load_features
from nada.features.specs import parse_features

LAYERS = 5  # of a deep tower, evenly spaced
LEAST_LPIPS, MOST_LPIPS = 64, 256  # px: LPIPS was made for some 64, and published inversions look at 256


class Perception(Protocol):
    """What an inversion compares pictures by."""

    name: str

    def vectors(self, pictures: Tensor) -> Tensor:
        """`(N, 3, H, W)` in [-1, 1], any size, to `(N, D)`, differentiable."""

    def describe(self) -> dict[str, Any]:
        """All that is needed to tell this from another, JSON-able."""


class GuidePerception:
    """Feature maps after several layers of a guide's picture tower, weighted alike.

    As in LPIPS (Zhang et al. 2018, arXiv:1801.03924) every place of a map is scaled to unit length, the squared
    differences are averaged over places, and then over layers; there are no learned weights of channels.

    Raises NadaError for a tower whose layers are not known; ViT, ResNet and timm's are.
    """

    def __init__(self, encoder: OpenClipEncoder) -> None:
        self.name, self._encoder = encoder.name, encoder
        self._layers = _spaced(_layers_of(encoder.visual, encoder.name), LAYERS)
        self._places_first = not getattr(getattr(encoder.visual, "transformer", None), "batch_first", True)

    def vectors(self, pictures: Tensor) -> Tensor:
        """`(N, 3, H, W)` in [-1, 1], any size, to `(N, D)`."""
        with _outputs(self._layers) as maps:
            self._encoder.encode_image(pictures)
        return torch.cat([self._vector(single) / math.sqrt(len(maps)) for single in maps], dim=1)

    def _vector(self, maps: Tensor) -> Tensor:
        if maps.ndim == 4:
            maps = maps.flatten(2).transpose(1, 2)
        elif self._places_first:
            maps = maps.transpose(0, 1)
        unit = maps / (maps.square().sum(dim=2, keepdim=True) + 1e-10).sqrt()
        return unit.flatten(1) / math.sqrt(maps.shape[1])

    def describe(self) -> dict[str, Any]:
        """The guide and how many of its layers are looked at."""
        facts = self._encoder.describe()
        return {"name": self.name, "sha256": facts["sha256"], "layers": len(self._layers), "size": facts["image_size"]}


class LpipsPerception:
    """LPIPS itself (arXiv:1801.03924), at the size of the pictures between 64 and 256 px."""

    def __init__(self, lpips: LpipsFeatures) -> None:
        self.name, self._lpips = lpips.tag, lpips

    def vectors(self, pictures: Tensor) -> Tensor:
        """`(N, 3, H, W)` in [-1, 1] to `(N, D)`."""
        size = min(max(pictures.shape[-1], LEAST_LPIPS), MOST_LPIPS)
        return self._lpips.vectors(pictures, size)

    def describe(self) -> dict[str, Any]:
        """The network by its file."""
        facts = self._lpips.describe()
        return {key: facts[key] for key in ("name", "sha256", "network", "published")}


def load_perception(spec: str | Perception, device: Any = "cpu") -> Perception:
    """Load what `spec` names: a guide such as `demo` or `ViT-B-32/openai`, `lpips-vgg=FILE` or `lpips-alex=FILE`.

    Raises UsageError for a spec that names nothing, NadaError for weights that cannot be had.
    """
    if not isinstance(spec, str):
        return spec
    kind = parse_features(spec).kind
    if kind == "guide":
        return GuidePerception(load_encoder(parse_features(spec).guide, device))
    if not kind.startswith("lpips"):
        raise UsageError(f"--perception {spec} has no feature maps to compare; give a guide or lpips-vgg=FILE.")
    lpips = load_features(spec, device)
    assert isinstance(lpips, LpipsFeatures)
    return LpipsPerception(lpips)


def _layers_of(visual: nn.Module, name: str) -> list[nn.Module]:
    """The blocks of a tower, first to last, wherever open_clip keeps them."""
    if hasattr(visual, "layer1"):
        stem = [visual.act3] if hasattr(visual, "act3") else []
        return [*stem, visual.layer1, visual.layer2, visual.layer3, visual.layer4]
    for path in ("transformer.resblocks", "trunk.stages", "trunk.blocks"):
        found: Any = visual
        for part in path.split("."):
            found = getattr(found, part, None)
        if found is not None:
            return list(found)
    raise NadaError(f"The layers of the guide {name} are not known; give a ViT or a ResNet, such as demo.")


def _spaced(layers: list[nn.Module], count: int) -> list[nn.Module]:
    """At most `count` of them, evenly spaced, the last one always."""
    if len(layers) <= count:
        return layers
    return [layers[round((index + 1) * len(layers) / count) - 1] for index in range(count)]


@contextmanager
def _outputs(layers: list[nn.Module]) -> Iterator[list[Tensor]]:
    """What the layers give while the block runs, in their order."""
    found: list[Tensor] = []
    hooks = [layer.register_forward_hook(lambda module, given, result: found.append(result)) for layer in layers]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
