"""The guide: where the adapted pictures shall go, and how far from that they are.

One direction per encoder is found once, from text, from target pictures, or from both; afterwards a guide is
a function of two batches of pictures. Gal et al., "StyleGAN-NADA", 2022, section 4; the hinge is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nada.clip import losses
from nada.clip.augment import Views, apply_views, draw_views
from nada.clip.checks import (
    check_encoders,
    check_numbers,
    check_targets,
    check_views,
    unique,
    warn_of_unknown_words,
)
from nada.clip.encoders import Encoder, load_encoder
from nada.clip.prompts import Template, check_templates, official, text_direction
from nada.clip.targets import TargetImages, hash_targets, image_direction, load_targets, mean_embedding
from nada.errors import NadaError, UsageError

# Below this edit length the loss grows with the edit instead of turning with it. The gradient of the cosine
# is 1/length, so a start from equal pictures would give one enormous gradient that Adam remembers for long.
EDIT_FLOOR = 0.05

Templates = str | Sequence[Template]


class GuideLoss(NamedTuple):
    """`total` is what to minimise, 0-d; `scalars` are detached 0-d tensors for curves, four per encoder."""

    total: Tensor
    scalars: dict[str, Tensor]


class Guide:
    """Compares adapted with frozen pictures along the way from source to target.

    Args:
        encoders: specs (see `nada.clip.specs`) or `Encoder` objects; their losses are summed by weight.
        source, target: prompts, both or neither.
        target_images: a folder, a file or uint8 arrays (H, W, 3); then `set_source_images` must come first.
        text_weight, image_weight: shares of the two unit directions where both are given.
        device, antialias, filter: for encoders given as specs, see `load_encoder`. An adaptation moves its guide to
            where its generator is.
        views, augment: how many random views of the pictures are averaged; "shared" shows both copies alike,
            "independent" draws for each on its own, which rewards edits that no augmentation can hide.
        projection_weight, projection_target: share of the hinge that asks for long edits, and how long.
        global_weight: share of the global loss.
        edit_floor: the `eps` of the directional loss. The published code has none; give 1e-8 for that.
        templates: "own" for each encoder's own, "official" for those less the one that the published code
            lacks, or a list.

    Raises UsageError for prompts or numbers that make no sense, NadaError for guides or pictures that cannot
    be had. Warns once if a prompt has words that an encoder does not know.
    """

    def __init__(
        self,
        encoders: Sequence[str | Encoder],
        source: str | None = None,
        target: str | None = None,
        *,
        target_images: TargetImages | None = None,
        text_weight: float = 1.0,
        image_weight: float = 1.0,
        device: str | torch.device = "cpu",
        antialias: bool | None = None,
        filter: str | None = None,
        views: int = 1,
        augment: str = "none",
        projection_weight: float = 0.0,
        projection_target: float = 1.0,
        global_weight: float = 0.0,
        edit_floor: float = EDIT_FLOOR,
        templates: Templates = "own",
    ) -> None:
        self._prompts = check_targets(source, target, target_images)
        check_views(views, augment)
        self._settings = {
            "text_weight": text_weight,
            "image_weight": image_weight,
            "projection_weight": projection_weight,
            "projection_target": projection_target,
            "global_weight": global_weight,
            "edit_floor": edit_floor,
        }
        check_numbers(self._settings)
        self._views, self._augment = views, augment
        self._targets = None if target_images is None else load_targets(target_images)
        self.encoders: list[Encoder] = [
            load_encoder(item, device, antialias=antialias, filter=filter) if isinstance(item, str) else item
            for item in check_encoders(encoders)
        ]
        self.names = unique([encoder.name for encoder in self.encoders])
        warn_of_unknown_words(self.encoders, self._prompts)
        self._templates = [_choose_templates(encoder, templates) for encoder in self.encoders]
        self._find_text()
        self._find_images()

    @torch.no_grad()
    def _find_text(self) -> None:
        """Text direction and target embedding per encoder; the latter of the bare prompt, as published."""
        self._text_directions, self._target_embeddings = [], []
        for encoder, templates in zip(self.encoders, self._templates):
            if self._prompts is None:
                continue
            source, target = self._prompts
            self._text_directions.append(text_direction(encoder.encode_text, source, target, templates))
            self._target_embeddings.append(encoder.encode_text([target])[0])

    def _find_images(self) -> None:
        """Mean embedding of the target pictures per encoder, and the directions as far as they are known."""
        self._directions: list[Tensor] = list(self._text_directions)
        self._target_means: list[Tensor] = []
        if self._targets is None:
            return
        self._directions = []  # until set_source_images
        self._target_means = [mean_embedding(encoder, self._targets) for encoder in self.encoders]
        pictured = [losses.unit(mean) for mean in self._target_means]
        self._target_embeddings = self._mix(self._target_embeddings, pictured)

    def _mix(self, from_text: list[Tensor], from_images: list[Tensor]) -> list[Tensor]:
        if not from_text:
            return from_images
        text, image = self._settings["text_weight"], self._settings["image_weight"]
        return [losses.unit(text * one + image * other) for one, other in zip(from_text, from_images)]

    def to(self, device: str | torch.device) -> Guide:
        """Compare pictures on `device` from now on; returns the guide itself. See `Encoder` for those of your own."""
        for encoder in self.encoders:
            if hasattr(encoder, "to"):
                encoder.to(device)
        for name in ("_text_directions", "_target_embeddings", "_target_means", "_directions"):
            setattr(self, name, [tensor.to(device) for tensor in getattr(self, name)])
        return self

    @property
    def needs_source_images(self) -> bool:
        """Whether `set_source_images` must be called before `loss`."""
        return not self._directions

    def set_source_images(self, images: Tensor) -> None:
        """Give samples (N, 3, H, W) in [-1, 1] of the frozen generator, the start of the image direction.

        Without target pictures there is nothing to do. Calling it again replaces the direction.
        Raises NadaError if the samples look just like the targets.
        """
        if self._targets is None:
            return
        pictured = [
            image_direction(mean_embedding(encoder, images), mean)
            for encoder, mean in zip(self.encoders, self._target_means)
        ]
        self._directions = self._mix(self._text_directions, pictured)

    def loss(
        self,
        frozen: Tensor,
        trainable: Tensor,
        rng: torch.Generator | None = None,
        views: Views | None = None,
    ) -> GuideLoss:
        """Compare two batches (N, 3, H, W) in [-1, 1] of the same latents; gradients reach `trainable` only.

        `rng` draws the views here and now; `views`, from `draw_views`, takes those that were drawn before. One of them
        is needed by a guide that augments. Scalars, averaged over batch and views: `loss/NAME` (before the encoder's
        weight), `cosine/NAME`, `edit_length/NAME`, `projection/NAME`.
        """
        if views is None:
            views = self.draw_views(frozen.shape, frozen.device, rng)
        frozen, trainable = apply_views(frozen, trainable, views)
        # float32 whatever the generator computes in, with or without gradients: the edit is a short difference of two
        # unit vectors, and bfloat16 moves each of them by 0.005 (the bundled guide), a tenth of the edit floor.
        with torch.no_grad():
            before = [encoder.encode_image(frozen) for encoder in self.encoders]
        return self.compare(before, [encoder.encode_image(trainable) for encoder in self.encoders])

    def compare(self, before: Sequence[Tensor], after: Sequence[Tensor]) -> GuideLoss:
        """Return what `loss` does, for pictures that have been encoded already: one (N, D) per encoder."""
        if self.needs_source_images:
            raise NadaError("The guide has target but no source pictures; call set_source_images first.")
        total, scalars = after[0].new_zeros(()), {}
        for index, (name, encoder) in enumerate(zip(self.names, self.encoders)):
            direction = self._directions[index]
            loss = self._encoder_loss(before[index], after[index], direction, self._target_embeddings[index])
            total = total + encoder.weight * loss
            scalars[f"loss/{name}"] = loss.detach()
            scalars.update(_edit_scalars(name, before[index], after[index].detach(), direction))
        return GuideLoss(total, scalars)

    def draw_views(
        self, shape: Sequence[int], device: str | torch.device = "cpu", rng: torch.Generator | None = None
    ) -> Views:
        """Draw what `loss` needs of chance for pictures of `shape` (N, 3, H, W); row i is for picture i alone.

        So a batch can be compared in parts, each with its rows. Empty for a guide that does not augment.
        """
        if self._augment == "none":
            return []
        if rng is None:
            raise UsageError("A guide that augments needs randomness; pass a torch.Generator as rng.")
        return draw_views(shape, self._views, self._augment == "independent", rng, device)

    def _encoder_loss(self, before: Tensor, after: Tensor, direction: Tensor, target: Tensor) -> Tensor:
        settings = self._settings
        loss = losses.directional_loss(before, after, direction, eps=settings["edit_floor"])
        if settings["projection_weight"]:
            hinge = losses.projection_hinge(before, after, direction, settings["projection_target"])
            loss = loss + settings["projection_weight"] * hinge
        if settings["global_weight"]:
            loss = loss + settings["global_weight"] * losses.global_loss(after, target)
        return loss.mean()

    def target_loss(self, images: Tensor) -> Tensor:
        """Global loss of `images` (N, 3, H, W) against the target, summed over encoders by weight; 0-d.

        This is what adaptive layer selection differentiates. No augmentation, no templates: the bare prompt.
        """
        parts = [
            encoder.weight * losses.global_loss(encoder.encode_image(images), target).mean()
            for encoder, target in zip(self.encoders, self._target_embeddings)
        ]
        return torch.stack(parts).sum()

    def describe(self) -> dict[str, Any]:
        """Every setting and every encoder, JSON-able."""
        source, target = self._prompts or (None, None)
        pictures = self._targets and {"count": len(self._targets), "sha256": hash_targets(self._targets)}
        return {
            "source": source,
            "target": target,
            "target_images": pictures,
            "views": self._views,
            "augment": self._augment,
            **self._settings,
            "encoders": [
                {**encoder.describe(), "templates": len(templates)}
                for encoder, templates in zip(self.encoders, self._templates)
            ],
        }


def _choose_templates(encoder: Encoder, templates: Templates) -> list[Template]:
    if templates == "own":
        return check_templates(encoder.templates)
    if templates == "official":
        return check_templates(official(encoder.templates))
    if isinstance(templates, str):
        raise UsageError(f"Unknown templates '{templates}'; choose own or official, or give a list.")
    return check_templates(templates)


def _edit_scalars(name: str, before: Tensor, after: Tensor, direction: Tensor) -> dict[str, Tensor]:
    return {
        f"cosine/{name}": losses.edit_cosine(before, after, direction).mean(),
        f"edit_length/{name}": losses.edit_length(before, after).mean(),
        f"projection/{name}": losses.projection(before, after, direction).mean(),
    }
