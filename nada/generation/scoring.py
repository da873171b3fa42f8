"""How well pictures show what a sentence says, in the eyes of a guide."""

from __future__ import annotations

import torch
from torch import Tensor

from nada.clip import Encoder
from nada.clip.losses import unit
from nada.clip.prompts import check_prompts, check_templates, fill, text_direction
from nada.errors import UsageError


class Scorer:
    """Scores pictures by a prompt, between -1 and 1.

    Without a source: the cosine of picture and prompt, the prompt's embedding being the mean over the encoder's templates
    (Radford et al. 2021, arXiv:2103.00020, 3.1.4). With one: the cosine of the way from the mean of all pictures looked at
    to this one and the way from the source's words to the prompt's, as StyleGAN-NADA compares directions
    (arXiv:2108.00946, 4.1); it asks less what a picture shows than what sets it apart.

    Raises UsageError for an empty prompt, and where source and prompt are the same.
    """

    def __init__(self, encoder: Encoder, prompt: str, source: str | None = None) -> None:
        self.encoder = encoder
        self.prompt = " ".join(prompt.split())
        if not self.prompt:
            raise UsageError("--prompt is empty; say in a few words what the pictures should show.")
        templates = check_templates(encoder.templates)
        self._centre: Tensor | None = None
        self._directional = source is not None
        with torch.no_grad():
            if source is not None:
                start, prompt = check_prompts(source, self.prompt)
                self._target = text_direction(encoder.encode_text, start, prompt, templates)
            else:
                texts = encoder.encode_text([fill(template, self.prompt) for template in templates])
                self._target = unit(texts.mean(dim=0))

    def look_back(self, embeddings: Tensor) -> None:
        """Take the mean of all pictures looked at, `(N, D)`, for the start of their ways; needed with a source."""
        self._centre = embeddings.mean(dim=0)

    def scores(self, embeddings: Tensor) -> Tensor:
        """Scores `(N,)` of embeddings `(N, D)`, differentiable."""
        if not self._directional:
            return embeddings @ self._target
        assert self._centre is not None
        return unit(embeddings - self._centre) @ self._target
