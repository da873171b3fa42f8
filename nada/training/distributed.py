"""Several processes on one training, as torchrun starts them: `torchrun --nproc-per-node 2 -m nada train ...`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed

from nada.errors import NadaError
from nada.runs import pick_device
from nada.training.share import Share

PATIENCE = timedelta(hours=1)  # the others wait while the first one measures and saves


def world_size() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def own_device(name: str) -> torch.device:
    """The device for `--device NAME` of this process: under torchrun each has a GPU of its own. Raises UsageError."""
    device = pick_device(name)
    if device.type == "cuda" and device.index is None and world_size() > 1:
        device = pick_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
    return device


@contextmanager
def joined(device: torch.device) -> Iterator[Share]:
    """While open, this process works with the others that torchrun started; yields its share of the work.

    NCCL connects GPUs, gloo CPUs. Raises NadaError where this torch has neither, or the others cannot be reached, and
    from inside where another process has ended.
    """
    if world_size() == 1:
        yield Share()
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    if not (distributed.is_available() and getattr(distributed, f"is_{backend}_available")()):
        raise NadaError(f"this torch was built without {backend}; train with one process, or install another torch.")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    try:
        distributed.init_process_group(backend, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise NadaError(f"cannot reach the other processes: {str(error).splitlines()[0]}.") from error
    try:
        yield Share(distributed.get_rank(), distributed.get_world_size())
    except RuntimeError as error:
        if not _is_of_the_connection(error):
            raise
        raise NadaError(
            "another process of this training has ended, so this one ends, too; --resume goes on from the last saved state."
        ) from error
    finally:
        distributed.destroy_process_group()


def _is_of_the_connection(error: RuntimeError) -> bool:
    """Whether gloo or NCCL lost another process; gloo has no type of its own for that."""
    return isinstance(error, distributed.DistBackendError) or "by peer" in str(error) or "gloo/transport" in str(error)
