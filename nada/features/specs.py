"""What a person may write for features, taken apart. Nothing here touches a file or imports torch.

inception                  the network of all published FIDs, fetched once into the cache
inception=FILE             the same from a local file, in the layout of pytorch-fid and torch-fidelity
dinov2=FILE                DINOv2 ViT-S/14, B/14 or L/14, the official state dict
lpips-alex=FILE            LPIPS on torchvision's AlexNet
lpips-vgg=FILE             LPIPS on torchvision's VGG-16
demo, demo-judge           the picture encoders bundled with this package
clip:NAME/TAG, NAME=FILE   any other guide, with or without "clip:" (forms: `nada.clip.specs`)
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from nada.errors import UsageError

FROM_FILES = ("inception", "dinov2", "lpips-alex", "lpips-vgg")
_BUNDLED = ("demo", "demo-judge")
FORMS = (
    "inception, inception=FILE, dinov2=FILE, lpips-alex=FILE, lpips-vgg=FILE, demo, demo-judge, "
    "or clip:NAME/TAG such as clip:ViT-B-32/openai"
)


@dataclass(frozen=True)
class FeatureSpec:
    """Features, as asked for: `kind` is one of `FROM_FILES`, or "guide" with the spec of one."""

    kind: str
    file: Path | None = None
    guide: str = ""


def parse_features(text: str) -> FeatureSpec:
    """Take the spec of features apart. Raises UsageError if it has none of the known forms."""
    body = text.strip()
    if body.startswith("clip:") and body != "clip:":
        return FeatureSpec("guide", guide=body.removeprefix("clip:"))
    head, equals, file = body.partition("=")
    if head in FROM_FILES and (file or (head == "inception" and not equals)):
        return FeatureSpec(head, Path(file).expanduser() if file else None)
    if head in FROM_FILES:
        raise UsageError(f"The features '{text}' need a file with their weights; write {head}=FILE.")
    known = head.partition("@")[0] in _BUNDLED or "/" in body or ":" in body
    if not known and (near := difflib.get_close_matches(head.casefold(), [*FROM_FILES, *_BUNDLED], n=1)):
        raise UsageError(f"There are no features '{text}'; did you mean {near[0]}{equals}{file}?")
    if not known and not equals:
        raise UsageError(f"There are no features '{text}'; write {FORMS}.")
    return FeatureSpec("guide", guide=body)
