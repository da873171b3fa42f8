"""What a judge that guided none of the cells sees of them: the same latents, before and after, cell by cell.

Pictures and numbers are made as `nada evaluate` makes them, so that the numbers it prints of a cell's run folder with the
same count are these. The source's pictures are seen once for all cells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from nada import metrics
from nada.clip.losses import projection, unit
from nada.clip.prompts import fill
from nada.data.fitting import fit_square
from nada.evaluation.pictures import Made
from nada.evaluation.words import Words, read_words
from nada.features import GuideFeatures
from nada.features.extractor import computing
from nada.metrics.artefacts import one_colour_share
from nada.models import Generator
from nada.models.conditions import class_number
from nada.processes import Share
from nada.study.results import Pair

SHOWN = 8  # pictures in a cell's row
SIZE, BATCH = 256, 16  # nada evaluate's
MOST_SENTENCES = 8000  # with more classes than that fits, each is read in one template instead of all
MOST_ONE_COLOUR = 0.5  # a generator of which more pictures show nothing has collapsed


@dataclass(frozen=True)
class Sight:
    """What was seen of a generator, a row per picture.

    Attributes:
        features: the judge's `(N, D)`.
        noises, spreads: grain of colour and spread of colours `(N,)`, of the pictures in their own size.
        row: the first pictures beside one another, uint8 `(H, SHOWN * W, 3)`.
    """

    features: np.ndarray
    noises: np.ndarray
    spreads: np.ndarray
    row: np.ndarray


class Ruler:
    """Measures the cells of a study on one generator; everything that several cells share is made once.

    Args:
        source: the generator that is adapted.
        judge: the encoder that compares; it should have guided no cell.
        num: how many pictures are measured.
        style: features of the judge of pictures in the target's style, `(M, D)`, if there are such.

    Raises:
        UsageError: for a number of pictures that makes no sense.
    """

    def __init__(self, source: Generator, judge: GuideFeatures, num: int, style: np.ndarray | None = None) -> None:
        self.source, self.judge, self.num, self.style = source, judge, num, style
        self._before: dict[tuple[str, ...], Sight] = {}
        self._words: dict[tuple[str, str], Words] = {}
        self._made(source, ())

    def before(self, classes: tuple[str, ...]) -> Sight:
        """What is seen of the source with these classes."""
        if classes not in self._before:
            self._before[classes] = self.look(self.source, classes)
        return self._before[classes]

    def look(self, generator: Generator, classes: tuple[str, ...]) -> Sight:
        """Make the study's pictures with a generator, and look at them."""
        made = self._made(generator, classes)
        features, noises, spreads, shown = [], [], [], []
        with computing():
            for block in made.blocks(BATCH, Share()):
                pictures = block.pictures
                features.append(self.judge.features(np.stack([fit_square(picture, SIZE) for picture in pictures])))
                noises.append(metrics.colour_noise(pictures))
                spreads.append(metrics.colour_spread(pictures))
                if sum(map(len, shown)) < SHOWN:
                    shown.append(pictures[:SHOWN])
        row = np.concatenate(list(np.concatenate(shown)[:SHOWN]), axis=1)
        return Sight(np.concatenate(features), np.concatenate(noises), np.concatenate(spreads), row)

    def _made(self, generator: Generator, classes: tuple[str, ...]) -> Made:
        numbers = tuple(class_number(generator.config, name) for name in classes)
        return Made(generator, "the study's pictures", self.num, generator.config.resolution, numbers)

    def words(self, pair: Pair) -> Words:
        """The prompts as the judge reads them. Raises UsageError for empty ones."""
        prompts = pair.source, pair.target
        if prompts not in self._words:
            self._words[prompts] = read_words(self.judge, pair.target, pair.source)
        return self._words[prompts]

    @cached_property
    def _class_names(self) -> np.ndarray | None:
        """The classes' names as the judge reads them, unit rows `(C, D)`; None where there are not two with a name."""
        names = self.source.config.condition_names
        if len(names) < 2:
            return None
        templates = self.judge.encoder.templates
        templates = templates if len(names) * len(templates) <= MOST_SENTENCES else templates[:1]
        read = [self.judge.text_features([fill(template, name) for template in templates]).mean(axis=0) for name in names]
        rows = np.stack(read)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def recognised(self, sight: Sight, classes: tuple[str, ...]) -> float:
        """The share of pictures whose class the judge finds among all by its name; NaN without names."""
        conditions = self._made(self.source, classes).conditions()
        if self._class_names is None or conditions is None:
            return math.nan
        return float(np.mean((sight.features @ self._class_names.T).argmax(axis=1) == np.array(conditions)))


def measure_cell(ruler: Ruler, pair: Pair, adapted: Generator | None) -> tuple[dict[str, float], np.ndarray]:
    """Measure a generator that was adapted to a pair of prompts; None for the source as it is.

    Returns:
        The numbers by name, some of them NaN where they cannot be had, and the first pictures, uint8 `(H, W', 3)`:
        `direction`, mean cosine of what changed in the pictures and in the words; `projection`, how far they moved that
        way; `target`, cosine of pictures and target prompt; `content`, cosine of each picture with that of the same
        latent before; `recognised`, share whose class is still seen; `diversity`, mean of 1 - cosine over pairs, and
        `diversity_kept`, the ratio of it to the source's; `colour_noise` and `one_colour`, see `nada.metrics.artefacts`;
        `collapsed`, 1 or 0; `distance`, kernel distance to the pictures of the style, where there are any.

    Raises:
        NadaError: where the judge sees no difference between the prompts, or the source's pictures are all alike.
    """
    before = ruler.before(pair.classes)
    after = before if adapted is None else ruler.look(adapted, pair.classes)
    return {**_reached(ruler, pair, before, after), **_kept(ruler, pair, before, after)}, after.row


def _reached(ruler: Ruler, pair: Pair, before: Sight, after: Sight) -> dict[str, float]:
    words = ruler.words(pair)
    return {
        "direction": metrics.directional_similarity(before.features, after.features, words.source, words.target),
        "projection": _projection(before.features, after.features, words),
        "target": metrics.clip_t(after.features, words.target),
        **(
            {}
            if ruler.style is None
            else {"distance": metrics.kernel_distance(after.features, ruler.style, subset_size=None)}
        ),
    }


def _kept(ruler: Ruler, pair: Pair, before: Sight, after: Sight) -> dict[str, float]:
    one_colour = one_colour_share(after.spreads)
    collapsed = metrics.detect_collapse(before.features, after.features).collapsed or one_colour > MOST_ONE_COLOUR
    return {
        "content": metrics.clip_i_paired(after.features, before.features),
        "recognised": ruler.recognised(after, pair.classes),
        "diversity": metrics.prompt_diversity(after.features),
        "diversity_kept": metrics.retained_diversity(before.features, after.features),
        "colour_noise": float(after.noises.mean()),
        "one_colour": one_colour,
        "collapsed": float(collapsed),
    }


def _projection(before: np.ndarray, after: np.ndarray, words: Words) -> float:
    assert words.source is not None
    source, target, first, second = (torch.from_numpy(a).double() for a in (words.source, words.target, before, after))
    return float(projection(first, second, unit(target - source)).mean())
