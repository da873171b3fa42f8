"""Which type a generator's feature maps are computed in, and what a processor or a GPU can do about it."""

from __future__ import annotations

import torch

from nada.models import Compute, KeptWeights

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_precision(device: torch.device, method: str = "nada") -> str:
    """Return what `--precision auto` stands for.

    16 bits wherever the hardware multiplies them: bf16 where it can, fp16 on GPUs from before bf16 (its short range is
    what the loss scale is for), fp32 on other CPUs, where 16 bits are emulated and slower. The size of the generator
    has no part in it: the bundled one (64 px, 128 channels) gains as much as the published ones. The official method
    repeats a published procedure, and that is fp32.
    """
    if method == "official":
        return "fp32"
    if device.type == "cuda":
        with torch.cuda.device(device):
            return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if device.type == "cpu" and native_bf16() else "fp32"


def native_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware, by AVX512-BF16 or AMX, as far as torch can tell."""
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check is not None)


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
