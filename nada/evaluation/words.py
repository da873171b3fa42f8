"""Prompts as a judge reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nada.clip.prompts import fill
from nada.errors import UsageError
from nada.features import GuideFeatures


@dataclass(frozen=True)
class Words:
    """What the pictures should show, as embeddings of the judge.

    Attributes:
        prompt: the sentence; empty where every picture has its own.
        target: its embedding `(D,)`, or one for each picture, `(N, D)`.
        templates: the prompt in each of the judge's templates `(T, D)`; None where every picture has its own.
        source: what the pictures showed before, `(D,)`; None where that is not known.
        unknown: words that the judge never saw.
    """

    prompt: str
    target: np.ndarray
    templates: np.ndarray | None = None
    source: np.ndarray | None = None
    source_prompt: str = ""
    unknown: tuple[str, ...] = ()


def read_words(judge: GuideFeatures, prompt: str, source: str | None) -> Words:
    """What one prompt for all pictures asks for, and where they come from. Raises UsageError for empty ones."""
    prompt, source = _squeezed(prompt, "--prompt"), _squeezed(source, "--source") if source is not None else ""
    sentences = [fill(template, prompt) for template in judge.encoder.templates]
    target, *templates = judge.text_features([prompt, *sentences])
    start = judge.text_features([source])[0] if source else None
    unknown = [*judge.encoder.unknown_words(prompt), *(judge.encoder.unknown_words(source) if source else ())]
    return Words(prompt, target, np.stack(templates), start, source, tuple(dict.fromkeys(unknown)))


def read_own_words(judge: GuideFeatures, prompts: tuple[str, ...], of_each: list[int]) -> Words:
    """What every picture was ordered by; `of_each` has the number of its prompt."""
    unknown = [word for prompt in prompts for word in judge.encoder.unknown_words(prompt)]
    return Words("", judge.text_features(list(prompts))[of_each], unknown=tuple(dict.fromkeys(unknown)))


def _squeezed(prompt: str, flag: str) -> str:
    words = " ".join(prompt.split())
    if not words:
        raise UsageError(f"{flag} is empty; say in a few words what the pictures show.")
    return words
