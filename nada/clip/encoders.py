"""The picture and text encoder of a guide, behind one small face."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from nada import images as pictures
from nada._compat import import_open_clip
from nada.clip.faster import use_faster_layers
from nada.clip.loading import LoadedModel, load_model
from nada.clip.losses import unit
from nada.clip.prompts import Template, check_templates
from nada.clip.specs import GuideSpec, parse_spec
from nada.errors import NadaError, UsageError
from nada.files import hash_file


class Encoder(Protocol):
    """What a guide needs of CLIP, or of anything that embeds pictures and sentences in one space.

    One with a method `to(device)` is told by it where the pictures will be; any other must answer where it is given them.
    """

    name: str  # for records and curves
    weight: float  # its share in a sum of guides
    image_size: int
    templates: Sequence[Template]

    def encode_image(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1], any size -> unit (N, D) fp32, differentiable."""

    def encode_text(self, texts: list[str]) -> Tensor:
        """N sentences -> unit (N, D) fp32."""

    def unknown_words(self, prompt: str) -> list[str]:
        """The words of `prompt` that the encoder never saw; [] if it can read anything."""

    def describe(self) -> dict[str, Any]:
        """All that is needed to tell this encoder from another, JSON-able."""


class OpenClipEncoder:
    """An `Encoder` over an open_clip model: one resize, the model's own mean and deviation, fp32, frozen.

    Pictures that are not square are cropped to their centre first, as CLIP does, or squashed where the model
    was trained so. Values outside [-1, 1] are not clamped: that would stop the gradient that brings them
    back.
    """

    def __init__(
        self,
        spec: GuideSpec,
        loaded: LoadedModel,
        device: str | torch.device = "cpu",
        *,
        antialias: bool = True,
        filter: str = "bicubic",
    ) -> None:
        preprocess = loaded.model.visual.preprocess_cfg
        self.name, self.weight = spec.name, spec.weight
        self.image_size = _square(preprocess["size"], spec.name)
        self.templates = _templates(loaded)
        self._spec, self._loaded = spec, loaded
        self._model = loaded.model.to(device)
        use_faster_layers(self._model.visual)
        self._antialias, self._filter = antialias, filter
        self.squash = preprocess["resize_mode"] == "squash"
        self._mean, self._std = (torch.tensor(preprocess[key], device=device).view(1, 3, 1, 1) for key in ("mean", "std"))

    @property
    def visual(self) -> nn.Module:
        """open_clip's picture tower, for those who look at its layers."""
        return self._model.visual

    def to(self, device: str | torch.device) -> None:
        """Compute on `device` from now on."""
        self._model.to(device)
        self._mean, self._std = self._mean.to(device), self._std.to(device)

    def encode_image(self, images: Tensor) -> Tensor:
        images = images.to(self._mean.device, torch.float32)
        if not self.squash:
            images = _centre_square(images)
        small = pictures.resize(images, self.image_size, filter=self._filter, antialias=self._antialias)
        return unit(self._model.encode_image((small * 0.5 + 0.5 - self._mean) / self._std))

    def encode_text(self, texts: list[str]) -> Tensor:
        return unit(self._model.encode_text(self._loaded.tokenize(texts).to(self._mean.device)))

    def unknown_words(self, prompt: str) -> list[str]:
        known = self._loaded.notes.get("words")
        if not known:
            return []
        vocabulary = {word.casefold() for word in known}
        words = re.findall(r"[^\W_]+", prompt.casefold())
        return [word for word in dict.fromkeys(words) if word not in vocabulary]

    def describe(self) -> dict[str, Any]:
        spec = self._spec
        return {
            "name": self.name,
            "weight": self.weight,
            "model": spec.model or spec.bundled or str(spec.folder),
            "tag": spec.tag,
            "file": str(spec.file) if spec.file else None,
            "sha256": hash_file(self._loaded.weights),
            "quick_gelu": self._loaded.quick_gelu,
            "image_size": self.image_size,
            "filter": self._filter,
            "antialias": self._antialias,
            "mean": self._mean.flatten().tolist(),
            "std": self._std.flatten().tolist(),
            "templates": len(self.templates),
        }


def _square(size: int | Sequence[int], name: str) -> int:
    sides = [size] if isinstance(size, int) else list(size)
    if len(set(sides)) != 1:
        raise NadaError(f"The guide {name} wants pictures of {sides}, but only square works; use another.")
    return sides[0]


def _centre_square(images: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return images[..., top : top + side, left : left + side]


def _templates(loaded: LoadedModel) -> list[Template]:
    """A folder's own templates, or those that CLIP was evaluated with on ImageNet."""
    return check_templates(loaded.notes.get("templates") or import_open_clip().OPENAI_IMAGENET_TEMPLATES)


def load_encoder(
    spec: str,
    device: str | torch.device = "cpu",
    *,
    antialias: bool | None = None,
    filter: str | None = None,
    quick_gelu: bool | None = None,
) -> OpenClipEncoder:
    """Load the encoder that `spec` names (forms: `nada.clip.specs`).

    `filter` and `antialias` say how pictures are brought to the encoder's size; None takes what the encoder
    was trained with, else bicubic, antialiased. `quick_gelu` overrides the choice of `nada.clip.quickgelu`.
    Raises UsageError for a spec that names nothing, NadaError for weights that are missing, unfit or offline.
    """
    if filter not in (None, *pictures.FILTERS):
        raise UsageError(f"There is no resize filter '{filter}'; choose from {', '.join(pictures.FILTERS)}.")
    parsed = parse_spec(spec)
    loaded = load_model(parsed, quick_gelu)
    if antialias is None:
        antialias = bool(loaded.notes.get("antialias", True))
    if filter is None:
        wanted = loaded.notes.get("filter") or loaded.model.visual.preprocess_cfg["interpolation"]
        filter = wanted if wanted in pictures.FILTERS else "bicubic"  # some models were trained with any
    return OpenClipEncoder(parsed, loaded, device, antialias=antialias, filter=filter)
