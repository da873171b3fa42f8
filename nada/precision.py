"""What kinds of arithmetic this machine is fast with: whether a processor or a GPU multiplies 16-bit numbers."""

from __future__ import annotations

import torch

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}  # by what people call them


def fast_precision(device: torch.device) -> str:
    """Return "bf16" where the hardware multiplies it, "fp16" on GPUs from before bf16, "fp32" on other CPUs.

    There 16 bits are emulated and slower.
    """
    if device.type == "cuda":
        with torch.cuda.device(device):
            return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if device.type == "cpu" and native_bf16() else "fp32"


def gradient_precision(device: torch.device) -> str:
    """Return what is fast where gradients are taken without a loss scale: "bf16" or "fp32", since fp16 loses small ones."""
    return "bf16" if fast_precision(device) == "bf16" else "fp32"


def native_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware, by AVX512-BF16 or AMX, as far as torch can tell."""
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check is not None)


def compute_exactly(device: torch.device) -> None:
    """On a GPU: whole float32 in convolutions instead of TF32's 10 bits, and kernels that add in one order every time.

    Without it a picture made again may differ by a level here and there, and from what `nada evaluate` sees. For programs
    of our own: torch's switches are those of the whole process.
    """
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
        torch.set_float32_matmul_precision("highest")
