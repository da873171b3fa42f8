"""How good the samples are, measured while training, by a guide that has no part in it.

The distance is Fréchet's on the guide's picture features, so it is called `fd_<guide>` and never FID. The accuracy is how
often the guide recognises what a sample was ordered by: its class, or its caption among 63 others. There is none where the
guide cannot read the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nada.clip import Encoder
from nada.clip.losses import unit
from nada.clip.prompts import fill
from nada.data import ImageDataset
from nada.images import from_uint8
from nada.metrics import frechet_distance
from nada.models import Generator
from nada.training.heldout import take

CHOICES = 64  # captions that the guide chooses among
PICTURES_AT_ONCE, SENTENCES_AT_ONCE = 64, 256


class Recognition(NamedTuple):
    """A question to the guide: embeddings `words (U, D)`, of which picture i has `choices[i]`, and `right[i]` is right."""

    words: Tensor
    choices: Tensor
    right: Tensor


class Watch:
    """Measures a generator against the same pictures again and again, always with the same latents and conditions.

    Args:
        judge: the guide that looks.
        reference: pictures to compare with; `count` of them at most are taken, evenly, so classes keep their shares.
        count: how many samples are made; their conditions are those of the pictures taken, each as often as the others.
        captions: the captions that a sample can be mistaken for; for data with captions as conditions.

    Attributes:
        distance: what the distance is called.
        facts: what there is to know of the measurement beside its results: counts, guide, what the real pictures reach.
            Complete after the first look.
    """

    def __init__(self, judge: Encoder, reference: ImageDataset, count: int, captions: tuple[str, ...] = ()) -> None:
        self._judge, self._count = judge, count
        places = np.linspace(0, len(reference) - 1, min(count, len(reference))).round().astype(int)
        self._real = take(reference, places)
        # Spread over all: pictures lie class by class, so that beginning anew at the first would favour some classes.
        self._rows = np.arange(count) * len(self._real) // count
        self._captions = captions
        self.distance = "fd_" + re.sub(r"[^a-z0-9]+", "_", judge.name.lower()).strip("_")
        self.facts: dict[str, Any] = {"judge": judge.name, "samples": count, "pictures": len(self._real)}
        self._real_features: Tensor | None = None
        self._test: Recognition | None = None

    @torch.no_grad()
    def look(self, generator: Generator) -> dict[str, float]:
        """Measure; `metrics/fd_<guide>`, and `metrics/accuracy` where there is something to recognise."""
        if self._real_features is None:
            self._see_the_real_ones()
        features = self._features(self._samples(generator))
        measured = {f"metrics/{self.distance}": frechet_distance(self._real_features.numpy(), features.numpy())}
        return measured if self._test is None else {**measured, "metrics/accuracy": self._accuracy(features, self._rows)}

    def _see_the_real_ones(self) -> None:
        pictures = (
            self._real.images[start : start + PICTURES_AT_ONCE] for start in range(0, len(self._real), PICTURES_AT_ONCE)
        )
        self._real_features = self._features(pictures)
        self._test = self._recognition()
        if self._test is not None:
            real = self._accuracy(self._real_features, np.arange(len(self._real)))
            self.facts |= {"real_accuracy": real, "chance": 1 / self._test.choices.shape[1]}

    def _features(self, parts: Iterator[np.ndarray]) -> Tensor:
        return torch.cat([self._judge.encode_image(from_uint8(part)).float().cpu() for part in parts])

    def _samples(self, generator: Generator) -> Iterator[np.ndarray]:
        for start in range(0, self._count, PICTURES_AT_ONCE):
            seeds = range(start, min(start + PICTURES_AT_ONCE, self._count))
            rows = self._rows[start : start + PICTURES_AT_ONCE]
            if self._real.conditions is not None:
                conditions = torch.from_numpy(self._real.conditions[rows])
                yield generator.sample(seeds, conditions=conditions)
            else:
                classes = None if self._real.labels is None else self._real.labels[rows].tolist()
                yield generator.sample(seeds, classes=classes)

    def _accuracy(self, features: Tensor, rows: np.ndarray) -> float:
        """Share of the features, each of the picture in its row or of what was ordered like it, closest to the right words."""
        scores = (features @ self._test.words.t()).gather(1, self._test.choices[rows])
        return float((scores.argmax(dim=1) == self._test.right[rows]).double().mean())

    def _recognition(self) -> Recognition | None:
        """What the guide is asked; None where there is nothing to ask, or it does not know the words."""
        if self._real.labels is not None:
            texts, templates = self._real.class_names, self._judge.templates
            choices = torch.arange(len(texts)).expand(len(self._real), -1)
            right = torch.from_numpy(self._real.labels)
        elif len(self._captions) > 1 and self._real.texts is not None:
            texts, templates = tuple(dict.fromkeys((*self._real.texts, *self._captions))), ["{}"]
            choices = self._caption_choices(self._real.texts, texts)
            right = torch.full((len(self._real),), choices.shape[1] - 1)
        else:
            return None
        unknown = sum(bool(self._judge.unknown_words(text)) for text in texts)
        if unknown:
            self.facts["unreadable"] = f"{unknown} of {len(texts)}"
            return None
        return Recognition(self._embed([[fill(template, text) for template in templates] for text in texts]), choices, right)

    def _embed(self, texts: list[list[str]]) -> Tensor:
        """The mean direction `(U, D)` of each list of sentences, all of one length."""
        every = [sentence for sentences in texts for sentence in sentences]
        starts = range(0, len(every), SENTENCES_AT_ONCE)
        parts = torch.cat([self._judge.encode_text(every[start : start + SENTENCES_AT_ONCE]) for start in starts])
        return unit(parts.float().cpu().unflatten(0, (len(texts), -1)).mean(dim=1))

    def _caption_choices(self, own: tuple[str, ...], texts: tuple[str, ...]) -> Tensor:
        """Places in `texts`, `(pictures, choices)`: each picture's own caption behind others, so that a tie is a mistake."""
        places, count = {text: place for place, text in enumerate(texts)}, min(CHOICES, len(self._captions)) - 1
        rows = [[*[text for text in self._captions if text != caption][:count], caption] for caption in own]
        return torch.tensor([[places[text] for text in row] for row in rows])
