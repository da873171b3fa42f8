"""Which type a generator's feature maps are computed in while it is adapted."""

from __future__ import annotations

import torch

from nada.models import Compute, KeptWeights
from nada.precision import DTYPES, fast_precision


def choose_precision(device: torch.device, method: str = "nada") -> str:
    """Return what `--precision auto` stands for: the 16 bits that the hardware multiplies, fp32 where it has none.

    The size of the generator has no part in it: the bundled one (64 px, 128 channels) gains as much as the published
    ones. fp16's short range is what the loss scale is for. The official method repeats a published procedure, and that
    is fp32.
    """
    return "fp32" if method == "official" else fast_precision(device)


def compute_in(precision: str, checkpoint: bool = False, kept: KeptWeights | None = None) -> Compute:
    """Return how feature maps are computed in "fp32", "bf16" or "fp16": always with the channels of a pixel together.

    That order is the faster one for every type on both kinds of device, and the only fast one for 16 bits on GPUs.
    """
    return Compute(DTYPES[precision], channels_last=True, checkpoint=checkpoint, kept=kept)


def allow_fast_matmuls() -> None:
    """Let a GPU round the factors of float32 products to 10 bits (TF32), which the guide is computed with.

    Only for programs of our own: the switch is global. With weights and inputs of the bundled guide rounded so, the
    edit directions of the first steps agree with float32's to five digits; in bf16 they are off by 2 to 4 degrees.
    """
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True  # the shapes of a step never change
