"""What a person may write for a guide, taken apart.

    demo, demo-judge           bundled with this package
    NAME/TAG                   an open_clip model and the tag of published weights, such as ViT-B-32/openai
    NAME=FILE                  an open_clip model and a local checkpoint of it
    local-dir:DIR              a folder with open_clip_config.json and weights, as the model hubs hold them

Each may be followed by @WEIGHT. Nothing here touches a file or imports open_clip.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from nada.errors import UsageError

BUNDLED = ("demo", "demo-judge")
FORMS = "demo, NAME/TAG such as ViT-B-32/openai, NAME=FILE, or local-dir:DIR"


@dataclass(frozen=True)
class GuideSpec:
    """One guide, as asked for: `bundled`, or `folder`, or `model` with `tag` or `file`."""

    name: str  # how records and pictures call it
    weight: float = 1.0
    bundled: str | None = None
    model: str | None = None
    tag: str | None = None
    file: Path | None = None
    folder: Path | None = None


def split_weight(text: str) -> tuple[str, float]:
    """'demo@0.5' -> ('demo', 0.5). An @ inside a path is left alone. Raises UsageError for a bad weight."""
    match = re.fullmatch(r"(.+)@([^@/\\]*)", text, re.DOTALL)
    if not match:
        return text, 1.0
    try:
        weight = float(match[2])
    except ValueError:
        if "=" in match[1] or match[1].startswith("local-dir:"):
            return text, 1.0
        raise UsageError(f"The weight in the guide '{text}' is not a number; write for example {match[1]}@0.5.") from None
    if not (math.isfinite(weight) and weight > 0):
        raise UsageError(f"The weight in the guide '{text}' must be above zero; leave out a guide that shall not count.")
    return match[1], weight


def parse_spec(text: str) -> GuideSpec:
    """Take a guide's spec apart. Raises UsageError if it has none of the known forms.

    A word that is neither bundled nor of another form is returned as `model` without a tag: only open_clip
    knows what it could mean.
    """
    body, weight = split_weight(text.strip())
    if body in BUNDLED:
        return GuideSpec(body, weight, bundled=body)
    if body.startswith("local-dir:") and body != "local-dir:":
        folder = Path(body.removeprefix("local-dir:")).expanduser()
        return GuideSpec(f"local-dir:{folder.name}", weight, folder=folder)
    model, equals, file = body.partition("=")
    if equals and model and file:
        return GuideSpec(f"{model}={Path(file).name}", weight, model=model, file=Path(file).expanduser())
    model, slash, tag = body.rpartition("/")
    if slash and model and tag and not equals:
        return GuideSpec(f"{model}/{tag}", weight, model=model, tag=tag)
    if not body or "=" in body or "/" in body or ":" in body:
        raise UsageError(f"'{text}' is not a guide; write {FORMS}.")
    return GuideSpec(body, weight, model=body)
