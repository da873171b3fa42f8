"""What there is to compute numbers of: features of the pictures judged, of a reference, of the same latents before, words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nada import metrics
from nada.evaluation.perceptual import Perceived
from nada.evaluation.shelves import Seen
from nada.evaluation.words import Words
from nada.features import Extractor, GuideFeatures

# What is lacking where a metric's need is not met, and what to do.
NEEDS = {
    "": "",
    "reference": "give pictures to compare with, --reference",
    "before": "give the generator before, on the same latents, --against",
    "words": "say what the pictures should show, --prompt",
    "templates": "say what all pictures should show, --prompt",
    "direction": "it needs --against, --source and --prompt",
    "lpips": "add --features lpips-vgg=FILE or lpips-alex=FILE",
    "change": "it needs --against and --features lpips-vgg=FILE or lpips-alex=FILE",
}


@dataclass(frozen=True)
class Sight:
    """All that was seen, and by whom. `eyes` are the extractors that distances are of; `judge` compares with words."""

    eyes: tuple[Extractor, ...]
    judge: GuideFeatures
    seen: Seen
    reference: Seen | None = None
    before: Seen | None = None
    words: Words | None = None
    perceived: Perceived | None = None
    seed: int = 0
    _manifolds: dict[str, metrics.ManifoldEstimates] = field(default_factory=dict, compare=False, repr=False)

    def of(self, eye: Extractor) -> np.ndarray:
        """What an extractor saw of the pictures that are judged."""
        return self.seen.features[eye.tag]

    def and_reference(self, eye: Extractor) -> tuple[np.ndarray, np.ndarray]:
        """The same, and what it saw of the reference."""
        assert self.reference is not None
        return self.of(eye), self.reference.features[eye.tag]

    def as_many(self, eye: Extractor) -> tuple[np.ndarray, np.ndarray]:
        """The same, but of the larger set only as many as the other has, from its first to its last.

        Balls around nearest neighbours shrink as a set grows: without this, a large reference alone lowers precision.
        """
        pair = self.and_reference(eye)
        count = min(map(len, pair))
        first, second = (rows if len(rows) == count else rows[_evenly(len(rows), count)] for rows in pair)
        return first, second

    def manifold(self, eye: Extractor) -> metrics.ManifoldEstimates:
        """Precision, recall, density and coverage of equal counts; neighbours are looked for once."""
        if eye.tag not in self._manifolds:
            made, real = self.as_many(eye)
            self._manifolds[eye.tag] = metrics.manifold_estimates(real, made, seed=self.seed)
        return self._manifolds[eye.tag]

    def before_and_after(self, eye: Extractor) -> tuple[np.ndarray, np.ndarray]:
        """What it saw of the same latents before, and of the pictures that are judged."""
        assert self.before is not None
        return self.before.features[eye.tag], self.of(eye)


def met(reference: bool, before: bool, words: bool, templates: bool, source: bool, lpips: bool) -> set[str]:
    """The keys of `NEEDS` that are met where there are these things."""
    there = {"": True, "reference": reference, "before": before, "words": words, "templates": templates, "lpips": lpips}
    there |= {"direction": before and words and source, "change": before and lpips}
    return {name for name, is_there in there.items() if is_there}


def _evenly(length: int, count: int) -> np.ndarray:
    return np.linspace(0, length - 1, count).round().astype(int)
