"""Several processes on one piece of work, as torchrun starts them: `torchrun --nproc-per-node 2 -m nada train ...`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed

from nada.errors import NadaError
from nada.runs import pick_device

PATIENCE = timedelta(hours=1)  # the others wait while the first one measures and saves


@dataclass(frozen=True)
class Share:
    """Process `rank` of `world`; with a world of one everything here changes nothing.

    Every process draws the random numbers of the whole batch and keeps its own rows, and gradients are averaged. So two
    processes compute what one computes with the same batch, but for the order of sums.
    """

    rank: int = 0
    world: int = 1

    def rows(self, batch: int, group: int = 1) -> Tensor:
        """Which rows of the whole batch are this process's, `(batch / world,)` or one more.

        The minibatch standard deviation takes every (batch / group)-th sample into one group. Whole groups stay in one
        process where they can, so that the discriminator sees the groups that it would see alone; they are dealt in turn,
        which gives every process a like part of the first half of the batch.
        """
        everything = torch.arange(batch)
        groups = batch // group
        if batch % group or groups % self.world:
            return everything[self.rank :: self.world]
        return everything.view(group, groups)[:, self.rank :: self.world].reshape(-1)

    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over the processes, in one exchange for each type and device."""
        if self.world == 1 or not tensors:
            return
        kinds = {(tensor.dtype, tensor.device) for tensor in tensors}
        for kind in sorted(kinds, key=str):
            some = [tensor for tensor in tensors if (tensor.dtype, tensor.device) == kind]
            flat = torch.cat([tensor.reshape(-1) for tensor in some])
            distributed.all_reduce(flat)
            flat /= self.world
            for tensor, part in zip(some, flat.split([tensor.numel() for tensor in some])):
                tensor.copy_(part.view_as(tensor))

    def largest(self, value: int) -> int:
        """The largest `value` that a process has; every process must ask at the same step."""
        if self.world == 1:
            return value
        told = torch.tensor(value)
        if distributed.get_backend() == "nccl":
            told = told.cuda()
        distributed.all_reduce(told, distributed.ReduceOp.MAX)
        return int(told.item())

    def collect(self, value: Any) -> list[Any]:
        """What every process has, in the order of the ranks, in every process; plain values and NumPy arrays."""
        if self.world == 1:
            return [value]
        everything: list[Any] = [None] * self.world
        distributed.all_gather_object(everything, value)
        return everything

    def to_first(self, value: Any) -> list[Any]:
        """The same for what is large, in the first process alone; nothing in the others."""
        if self.world == 1:
            return [value]
        everything: list[Any] | None = [None] * self.world if self.rank == 0 else None
        distributed.gather_object(value, everything)
        return everything or []


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
def joined(device: torch.device, way_on: str = "start it again") -> Iterator[Share]:
    """While open, this process works with the others that torchrun started; yields its share of the work.

    NCCL connects GPUs, gloo CPUs. Raises NadaError where this torch has neither, or the others cannot be reached, and
    from inside where another process has ended; `way_on` tells a person what to do then.
    """
    if world_size() == 1:
        yield Share()
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    if not (distributed.is_available() and getattr(distributed, f"is_{backend}_available")()):
        raise NadaError(f"this torch was built without {backend}; use one process, or install another torch.")
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
        raise NadaError(f"another process of this work has ended, so this one ends, too; {way_on}.") from error
    finally:
        distributed.destroy_process_group()


def _is_of_the_connection(error: RuntimeError) -> bool:
    """Whether gloo or NCCL lost another process; gloo has no type of its own for that."""
    return isinstance(error, distributed.DistBackendError) or "by peer" in str(error) or "gloo/transport" in str(error)
