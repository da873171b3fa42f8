"""One launch on a GPU before anything depends on it: a library that loads may hold no kernel that runs there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch


def try_gpu(device: str) -> str:
    """Return why the loaded library's kernels do not run on a GPU, such as "cuda:0"; empty if they do.

    Such as: it was compiled for other GPUs, or the driver is too old for the CUDA that it was compiled with.
    """
    # In a thread of its own, since what is set around the operator that asks (tracing, autocast) is its thread's.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_launch, device).result()


def _launch(device: str) -> str:
    try:
        with torch.no_grad():
            y = torch.ops.nada.bias_act(torch.ones(1, 8, device=device), None, 1, 0, 0.0, 2.0, -1.0)
        right = bool((y == 2.0).all())
    except Exception as error:  # whatever it is, torch's own operators are to do the work
        return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return "" if right else "its kernels compute wrong numbers there"
