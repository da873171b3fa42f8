"""What a guide refuses, and what it warns of, before any model is asked."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence

from nada.clip.encoders import Encoder
from nada.clip.prompts import check_prompts
from nada.clip.targets import TargetImages
from nada.errors import UsageError

AUGMENT = ("none", "shared", "independent")
REAL_GUIDE = "ViT-B-32/openai"


def check_targets(source: str | None, target: str | None, target_images: TargetImages | None) -> tuple[str, str] | None:
    """Return the prompts, or None where only pictures say where to go. Raises UsageError where nothing does."""
    if source is None and target is None:
        if target_images is None:
            raise UsageError("The guide has no target; give source and target prompts, or target pictures.")
        return None
    if target is None and target_images is not None:
        return None  # the generator's own pictures say better what a source prompt alone would say
    return check_prompts(source or "", target or "")


def check_views(views: int, augment: str) -> None:
    """Raise UsageError unless the number of views and the way to draw them make sense together."""
    if augment not in AUGMENT:
        raise UsageError(f"Unknown augmentation '{augment}'; choose from {', '.join(AUGMENT)}.")
    if views < 1 or (views > 1 and augment == "none"):
        raise UsageError(f"{views} views make no sense with augment '{augment}'; use 1, or augment them.")


def check_numbers(settings: Mapping[str, float]) -> None:
    """Raise UsageError for weights that are negative, not finite, or all zero."""
    for name, value in settings.items():
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"{name} is {value}, but must be a number that is not negative.")
    if settings["text_weight"] == settings["image_weight"] == 0:
        raise UsageError("text_weight and image_weight are both 0; give at least one of them a share.")
    if settings["edit_floor"] == 0:
        raise UsageError("edit_floor is 0, but an edit of zero has no direction; use 1e-8 for next to none.")


def check_encoders(encoders: Sequence[str | Encoder]) -> Sequence[str | Encoder]:
    """Return the encoders as a list; one spec alone is one. Raises UsageError for none."""
    if isinstance(encoders, str):
        return [encoders]
    if not encoders:
        raise UsageError("There is no guide; give at least one, such as 'demo'.")
    return encoders


def unique(names: list[str]) -> list[str]:
    """The names, with #2, #3 behind repeated ones, so that each has its own curve."""
    return [
        name if names[:index].count(name) == 0 else f"{name}#{names[:index].count(name) + 1}"
        for index, name in enumerate(names)
    ]


def warn_of_unknown_words(encoders: Sequence[Encoder], prompts: tuple[str, str] | None) -> None:
    """Warn once, naming a guide that knows more, where a prompt has words that an encoder never saw."""
    unknown = {
        encoder.name: words
        for encoder in encoders
        if (words := [word for prompt in prompts or () for word in encoder.unknown_words(prompt)])
    }
    if unknown:
        told = [f"{name} does not know {', '.join(dict.fromkeys(words))}" for name, words in unknown.items()]
        warnings.warn(
            f"Guide {'; '.join(told)}, so the result may have little to do with the prompt; "
            f"a guide that knows most words is {REAL_GUIDE} (--clip; in Python, Guide([{REAL_GUIDE!r}], …)).",
            stacklevel=3,
        )
