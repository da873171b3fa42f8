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

from nada.errors import NadaError, UsageError
from nada.runs import pick_device

PATIENCE = timedelta(hours=1)  # the others wait while the first one measures and saves
_ENDED = ("by peer", "gloo/transport", "ncclRemoteError")  # in what gloo and NCCL say when another process is gone


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
        told = torch.tensor(value)  # through gloo, so that a GPU need not be waited for
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
    if device.type != "cuda" or world_size() == 1:
        return device
    if device.index is None:
        return pick_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
    if int(os.environ.get("LOCAL_WORLD_SIZE", world_size())) > 1:
        raise UsageError(f"--device {name} would put all processes on one GPU; with torchrun write --device cuda.")
    return device


@contextmanager
def joined(device: torch.device, way_on: str = "start it again") -> Iterator[Share]:
    """While open, this process works with the others that torchrun started; yields its share of the work.

    NCCL connects GPUs; gloo CPUs, and for GPUs what lies in main memory. Raises NadaError where this torch has neither,
    or the others cannot be reached, and from inside where the connection breaks; `way_on` tells a person what to do then.
    """
    if world_size() == 1:
        yield Share()
        return
    _connect(device)
    try:
        yield Share(distributed.get_rank(), distributed.get_world_size())
    except BaseException as error:
        _leave(device, failed=True)
        if (sentence := _about_the_connection(error, way_on)) is None:
            raise
        raise NadaError(sentence) from error
    _leave(device, failed=False)


def _connect(device: torch.device) -> None:
    cuda = device.type == "cuda"
    for backend in ("gloo", "nccl") if cuda else ("gloo",):
        if not (distributed.is_available() and getattr(distributed, f"is_{backend}_available")()):
            raise NadaError(f"this torch was built without {backend}; use one process, or install another torch.")
    if cuda:
        torch.cuda.set_device(device)
    try:
        # With its device NCCL connects at once, and a set-up that cannot work is told here.
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=PATIENCE, device_id=device if cuda else None
        )
    except (RuntimeError, ValueError) as error:
        raise NadaError(f"cannot reach the other processes: {_reason(error)}.") from error


def _leave(device: torch.device, failed: bool) -> None:
    """End the connection. NCCL does so together with all others, for whom a process that failed alone cannot wait."""
    abort = getattr(distributed.distributed_c10d, "_abort_process_group", None)  # not public; without it the system closes
    if not failed or device.type != "cuda":
        distributed.destroy_process_group()
    elif abort is not None:
        abort()


def _about_the_connection(error: BaseException, way_on: str) -> str | None:
    """What to tell a person of a connection that broke; None for any other error. gloo has no type of its own for that."""
    text = str(error)
    if isinstance(error, RuntimeError) and any(words in text for words in _ENDED):
        return f"another process of this work has ended, so this one ends, too; {way_on}."
    if isinstance(error, distributed.DistBackendError):
        return f"the GPUs cannot work together: {_reason(error)}; {way_on}, with NCCL_DEBUG=INFO to see more."
    return None


def _reason(error: BaseException) -> str:
    """The line that says why: NCCL's last, behind places in its source and its version; the first of others."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1 if isinstance(error, distributed.DistBackendError) else 0].rstrip(".")
