"""How good the samples are, measured while training, by a guide that has no part in it.

The distance is Fréchet's on the guide's picture features, so it is called `fd_<guide>` and never FID. The accuracy is how
often the guide recognises what a sample was ordered by: its class, or its caption among 63 others.
"""

from __future__ import annotations

import re
from typing import Any, Iterator

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
_AT_ONCE = 64


class Watch:
    """Measures a generator against the same pictures again and again, always with the same latents and conditions.

    Args:
        judge: the guide that looks.
        reference: pictures to compare with; `count` of them at most are taken, evenly, so classes keep their shares.
        count: how many samples are made; their conditions are those of the pictures taken, in turn.
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
        self._captions = captions
        self.distance = "fd_" + re.sub(r"[^a-z0-9]+", "_", judge.name.lower()).strip("_")
        self.facts: dict[str, Any] = {"judge": judge.name, "samples": count, "pictures": len(self._real)}
        self._real_features: Tensor | None = None
        self._choices: Tensor | None = None

    @torch.no_grad()
    def look(self, generator: Generator) -> dict[str, float]:
        """Measure; `metrics/fd_<guide>`, and `metrics/accuracy` where there is something to recognise."""
        if self._real_features is None:
            self._see_the_real_ones()
        features = self._features(self._samples(generator))
        measured = {f"metrics/{self.distance}": frechet_distance(self._real_features.numpy(), features.numpy())}
        accuracy = self._accuracy(features)
        return measured if accuracy is None else {**measured, "metrics/accuracy": accuracy}

    def _see_the_real_ones(self) -> None:
        pictures = (self._real.images[start : start + _AT_ONCE] for start in range(0, len(self._real), _AT_ONCE))
        self._real_features = self._features(pictures)
        self._choices = self._class_choices() if self._real.labels is not None else self._caption_choices()
        accuracy = self._accuracy(self._real_features)
        if accuracy is not None:
            self.facts |= {"real_accuracy": accuracy, "chance": 1 / self._choices.shape[-2]}

    def _features(self, parts: Iterator[np.ndarray]) -> Tensor:
        return torch.cat([self._judge.encode_image(from_uint8(part)).float().cpu() for part in parts])

    def _samples(self, generator: Generator) -> Iterator[np.ndarray]:
        for start in range(0, self._count, _AT_ONCE):
            seeds = range(start, min(start + _AT_ONCE, self._count))
            rows = np.array(seeds) % len(self._real)
            if self._real.conditions is not None:
                conditions = torch.from_numpy(self._real.conditions[rows])
                yield generator.sample(seeds, conditions=conditions)
            else:
                classes = None if self._real.labels is None else self._real.labels[rows].tolist()
                yield generator.sample(seeds, classes=classes)

    def _accuracy(self, features: Tensor) -> float | None:
        """Share of the features, of picture i modulo the pictures' count, that are closest to the right words."""
        if self._choices is None:
            return None
        rows = torch.arange(len(features)) % len(self._real)
        if self._real.labels is not None:
            scores, right = features @ self._choices.t(), torch.from_numpy(self._real.labels)[rows]
        else:
            scores = torch.einsum("nd,ncd->nc", features, self._choices[rows])
            right = torch.full((len(features),), scores.shape[1] - 1)
        return float((scores.argmax(dim=1) == right).double().mean())

    def _class_choices(self) -> Tensor | None:
        """Embeddings `(classes, D)` of the names; None where the guide does not know them all."""
        names = self._real.class_names
        unknown = sorted({word for name in names for word in self._judge.unknown_words(name)})
        if unknown:
            self.facts["unknown_words"] = unknown
            return None
        filled = [self._judge.encode_text([fill(template, name) for template in self._judge.templates]) for name in names]
        return torch.stack([unit(texts.mean(dim=0)) for texts in filled]).float().cpu()

    def _caption_choices(self) -> Tensor | None:
        """Embeddings `(pictures, choices, D)`: each picture's own caption behind others, so that a tie is a mistake."""
        if self._real.texts is None or len(self._captions) < 2:
            return None
        every = list(dict.fromkeys((*self._real.texts, *self._captions)))
        parts = [self._judge.encode_text(every[start : start + 256]) for start in range(0, len(every), 256)]
        embeddings, places = torch.cat(parts).float().cpu(), {text: place for place, text in enumerate(every)}
        others = min(CHOICES, len(self._captions)) - 1
        rows = [[*[text for text in self._captions if text != own][:others], own] for own in self._real.texts]
        return embeddings[torch.tensor([[places[text] for text in row] for row in rows])]
