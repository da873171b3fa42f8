"""Pictures that show what a sentence says: found among many by a guide, and moved towards it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from nada.clip import Encoder, load_encoder
from nada.clip.checks import warn_of_unknown_words
from nada.errors import UsageError
from nada.generation.keeping import Picture
from nada.generation.painter import Painter
from nada.generation.recipe import Recipe, decode_offset, encode_offset
from nada.generation.refining import refine
from nada.generation.scoring import Scorer
from nada.images import from_uint8

LOOK = 16  # pictures that a guide sees at a time; fixed, as it moves the last digit of a score
MOST_LOOKED_AT = 100_000  # pictures; their embeddings are kept
BUNDLED_GUIDE, BUNDLED_JUDGE = "demo", "demo-judge"
AGREES = 0.7  # the judge must like the best more than this share of all, on average
Show = Callable[[Sequence[int]], Iterable[int]]


def check_looked_at(count: int) -> None:
    """Raise UsageError for more pictures than a search can keep what it saw of."""
    if count > MOST_LOOKED_AT:
        raise UsageError(f"A search looks at {MOST_LOOKED_AT} pictures at most, not {count}; give fewer seeds.")


@dataclass(frozen=True)
class Found:
    """One of the best.

    Attributes:
        picture: pixels and recipe.
        score: the guide's, see `Scorer`.
        judge_score: the judge's score; None without a judge.
        ahead_of: the share of all pictures looked at that the judge likes less; None without a judge.
        start: the same before it was moved; None where it was not.
    """

    picture: Picture
    score: float
    judge_score: float | None = None
    ahead_of: float | None = None
    start: Found | None = None


@dataclass
class _Eye:
    """A guide or judge, and what it saw of all pictures: embeddings `(N, D)`, then scores `(N,)`."""

    scorer: Scorer
    embeddings: list[Tensor] = field(default_factory=list)
    scores: Tensor = field(default_factory=lambda: torch.zeros(0))

    @torch.no_grad()
    def see(self, pixels: np.ndarray) -> Tensor:
        """Embeddings of uint8 pictures."""
        return self.scorer.encoder.encode_image(from_uint8(pixels)).float()

    def conclude(self) -> None:
        """Score all that was seen."""
        everything = torch.cat(self.embeddings)
        self.scorer.look_back(everything)
        self.scores = self.scorer.scores(everything).cpu()

    def score(self, pixels: np.ndarray) -> float:
        """The score of one picture that may be new."""
        return float(self.scorer.scores(self.see(pixels[None]))[0])

    def ahead_of(self, score: float) -> float:
        """The share of all pictures with a lower score."""
        return float((self.scores < score).float().mean())


class Search:
    """A prompt in the eyes of a guide and, if there is one, of a judge that has no part in the choice.

    Raises UsageError and NadaError for prompts and guides that cannot be. Warns of words that the guide does not know.
    """

    def __init__(
        self, painter: Painter, prompt: str, source: str | None = None, guide: str | Encoder = "demo", judge: str = "auto"
    ) -> None:
        self.painter, self.prompt, self.source = painter, prompt, source
        encoder = load_encoder(guide, painter.device) if isinstance(guide, str) else guide
        warn_of_unknown_words([encoder], (prompt, source or ""))
        self.guide = _Eye(Scorer(encoder, prompt, source))
        if judge == "auto":
            judge = BUNDLED_JUDGE if encoder.name == BUNDLED_GUIDE else "none"
        self.judge = None if judge == "none" else _Eye(Scorer(load_encoder(judge, painter.device), prompt, source))

    def headline(self) -> str:
        """One line for people: generator, guide, judge, device, kernels."""
        judge = f", judge {self.judge.scorer.encoder.name}" if self.judge else ""
        return f"{self.painter.headline()}, guide {self.guide.scorer.encoder.name}{judge}"

    def find(self, recipes: Sequence[Recipe], best: int, show: Show = iter) -> list[Found]:
        """Look at the pictures of all recipes and return the best ones, the best of all first; ties go by order.

        Args:
            show: wraps the iteration, as tqdm does.
        """
        eyes = [eye for eye in (self.guide, self.judge) if eye]
        for start in show(range(0, len(recipes), LOOK)):
            pixels = self.painter.paint(recipes[start : start + LOOK])
            for eye in eyes:
                eye.embeddings.append(eye.see(pixels))
        for eye in eyes:
            eye.conclude()
        order = torch.sort(self.guide.scores, descending=True, stable=True).indices[:best].tolist()
        chosen = [recipes[index] for index in order]
        pictures = self.painter.paint(chosen) if chosen else ()
        return [self._found(*one) for one in zip(chosen, pictures, order, strict=True)]

    def _found(self, recipe: Recipe, pixels: np.ndarray, index: int) -> Found:
        score = float(self.guide.scores[index])
        judged = float(self.judge.scores[index]) if self.judge else None
        ahead = self.judge.ahead_of(judged) if self.judge and judged is not None else None
        return Found(self._picture(recipe, pixels, score, judged), score, judged, ahead)

    def _picture(self, recipe: Recipe, pixels: np.ndarray, score: float, judged: float | None) -> Picture:
        told = {
            "prompt": self.prompt,
            "source": self.source,
            "guide": self.guide.scorer.encoder.name,
            "score": round(score, 6),
        }
        if self.judge and judged is not None:
            told |= {"judge": self.judge.scorer.encoder.name, "judge_score": round(judged, 6)}
        return Picture(pixels, recipe, {"search": told})

    def refine(self, found: Found, steps: int, on_step: Callable[[float], None] | None = None) -> Found:
        """Move one that was found towards the prompt; what the guide likes no better after that stays as it was."""
        recipe = found.picture.recipe
        offset = refine(self.painter, recipe, self.guide.scorer, steps, on_step).offset.cpu().numpy()
        before = decode_offset(recipe.offset) if recipe.offset else np.zeros_like(offset)
        moved = dataclasses.replace(recipe, offset=encode_offset(before + offset))
        pixels = self.painter.paint([moved])[0]
        score = self.guide.score(pixels)
        if not score > found.score:
            return found
        judged = self.judge.score(pixels) if self.judge else None
        ahead = self.judge.ahead_of(judged) if self.judge and judged is not None else None
        return Found(self._picture(moved, pixels, score, judged), score, judged, ahead, start=found)


def doubts(found: Sequence[Found], judge: str) -> list[str]:
    """Sentences on where the judge does not see what the guide sees; empty where it does, or where there is none."""
    told = []
    shares = [one.start.ahead_of if one.start else one.ahead_of for one in found]
    ahead = [share for share in shares if share is not None]
    if ahead and np.mean(ahead) < AGREES:
        told.append(
            f"{judge} does not agree with the choice: it likes these better than {np.mean(ahead):.0%} of all pictures on "
            "average, and a guide that sees the prompt in them would be near 100 %."
        )
    gains = [one.judge_score - one.start.judge_score for one in found if one.start and one.start.judge_score is not None]
    if gains and np.mean(gains) <= 0:
        told.append(f"{judge} does not agree that moving helped: its scores changed by {np.mean(gains):+.3f} on average.")
    return told
