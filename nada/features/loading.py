"""`load_features`: one door for every kind of extractor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nada.errors import UsageError
from nada.features.specs import parse_features

if TYPE_CHECKING:
    from nada.features.extractor import Extractor


def load_features(spec: str, device: Any = "cpu", resize: str | None = None) -> Extractor:
    """Load an extractor, frozen, in fp32.

    Args:
        spec: one of the forms of `nada.features.specs`, such as "inception", "dinov2=FILE" or "demo-judge".
        device: where to compute.
        resize: Inception's convention: "legacy" (TensorFlow 1's bilinear, as NVIDIA and torch-fidelity have it; the
            default), "clean" (clean-fid), "pytorch-fid" or "torchmetrics". All others have one of their own.

    Raises:
        UsageError: if the spec or the convention names nothing.
        NadaError: one sentence for weights that are missing, damaged, of another network, or cannot be fetched.
    """
    wanted = parse_features(spec)
    if wanted.kind == "inception":
        from nada.features.inception import load_inception

        return load_inception(wanted.file, resize or "legacy", device)
    if resize is not None:
        raise UsageError(f"The resize convention {resize} is one for inception; {spec} has its own.")
    if wanted.kind == "guide":
        from nada.features.guides import load_guide

        return load_guide(wanted.guide, device)
    if wanted.kind == "dinov2":
        from nada.features.dinov2 import load_dinov2

        return load_dinov2(wanted.file, device)
    from nada.features.lpips import load_lpips

    return load_lpips(wanted.kind.removeprefix("lpips-"), wanted.file, device)
