"""A stopping rule: a judge that does not guide says how far the pictures have come, and when they stop coming.

The loss keeps falling long after a picture has been spoilt, since it is what the pictures are bent to please. A
second encoder, of another architecture, has no part in that. The published work stops by hand.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nada.adaptation.loop import Adaptation
from nada.clip import Guide
from nada.models import latents_from_seeds

LEAST_DIVERSITY = 0.5  # of the source's: below it the pictures are becoming one picture
SEEDS = range(1000, 1032)  # never those of the sample pictures
MARGIN = 0.005  # an improvement smaller than this is noise of 32 pictures


def pairwise_distance(embeddings: Tensor) -> float:
    """Return the mean of `1 - cos` over all pairs of unit rows `(N, D)`, N of at least 2: diversity, 0 for one picture."""
    count = len(embeddings)
    total = (embeddings @ embeddings.t()).sum() - embeddings.square().sum()
    return float(1 - total / (count * (count - 1)))


class Watch:
    """Looks at the same latents again and again, remembers the best weights, and says when to stop.

    The score is the projection of the judge's edit on the judge's own direction from source to target. A look counts
    only while the pictures differ from one another at least half as much as the source's do.

    Args:
        patience: how many looks in a row without a better score end the run. With 4 instead of 5, three of nine runs of
            the bundled generator ended before a gain of 0.02 to 0.09; 6 gained nothing more, 8 0.01 in one.

    Attributes:
        best_weights: the moving tensors at the best look; empty before there is one.
        measures: what that look measured, or the last one where none has been good.
    """

    def __init__(self, adaptation: Adaptation, judge: Guide, patience: int = 5) -> None:
        self.judge, self.patience = judge.to(adaptation.device), patience
        self._adaptation = adaptation
        source = adaptation.frozen
        classes = adaptation.settings.classes or tuple(range(source.config.num_conditions))
        labels = [classes[seed % len(classes)] for seed in SEEDS] if classes else None
        self._labels = None if labels is None else torch.tensor(labels, device=adaptation.device)
        self._latents = latents_from_seeds(SEEDS, source.config.z_dim).to(adaptation.device)
        pictures = adaptation.pictures(source, self._latents, self._labels)
        if judge.needs_source_images:
            judge.set_source_images(pictures)
        with torch.no_grad():
            self._source_embeddings = judge.encoders[0].encode_image(pictures)
        self._source_diversity = max(pairwise_distance(self._source_embeddings), 1e-6)
        self.best_score, self.best_step, self.misses = 0.0, 0, 0
        self.best_weights: dict[str, Tensor] = {}
        self.measures: dict[str, float] = {}

    @torch.no_grad()
    def look(self) -> dict[str, float]:
        """Judge the adaptation as it is now; keep its weights if they are the best so far.

        Returns `judge/projection`, `judge/cosine`, `judge/content` (cosine of each picture with its source) and
        `judge/diversity` (share of the source's that is left).
        """
        generator = self._adaptation.adapted_generator()
        pictures = self._adaptation.pictures(generator, self._latents, self._labels)
        embeddings = self.judge.encoders[0].encode_image(pictures)
        scalars = self.judge.compare([self._source_embeddings], [embeddings]).scalars
        name = self.judge.names[0]
        measures = {
            "judge/projection": float(scalars[f"projection/{name}"]),
            "judge/cosine": float(scalars[f"cosine/{name}"]),
            "judge/content": float((embeddings * self._source_embeddings).sum(dim=1).mean()),
            "judge/diversity": pairwise_distance(embeddings) / self._source_diversity,
        }
        self._remember(measures)
        return measures

    def _remember(self, measures: dict[str, float]) -> None:
        score = measures["judge/projection"]
        better = measures["judge/diversity"] >= LEAST_DIVERSITY and score > self.best_score + MARGIN
        if better or not self.best_weights:
            self.measures = measures
        if better:
            self.best_weights = {name: value.clone() for name, value in self._adaptation.weights().items()}
            self.best_score, self.best_step, self.misses = score, self._adaptation.step, 0
        else:
            self.misses += 1

    @property
    def should_stop(self) -> bool:
        """Whether the last `patience` looks brought nothing better."""
        return self.misses >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on; tensors and plain values only."""
        return {
            "best_score": self.best_score,
            "best_step": self.best_step,
            "misses": self.misses,
            "measures": dict(self.measures),
            "best_weights": {name: value.clone() for name, value in self.best_weights.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`'s value."""
        self.best_score, self.best_step, self.misses = state["best_score"], state["best_step"], state["misses"]
        self.measures = dict(state["measures"])
        device = self._adaptation.device
        self.best_weights = {name: value.to(device) for name, value in state["best_weights"].items()}
