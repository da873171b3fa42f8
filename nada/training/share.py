"""Which part of a step's batch is this process's, and what the processes of one training tell one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


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
            torch.distributed.all_reduce(flat)
            flat /= self.world
            for tensor, part in zip(some, flat.split([tensor.numel() for tensor in some])):
                tensor.copy_(part.view_as(tensor))

    def largest(self, value: int) -> int:
        """The largest `value` that a process has; every process must ask at the same step."""
        if self.world == 1:
            return value
        told = torch.tensor(value)
        if torch.distributed.get_backend() == "nccl":
            told = told.cuda()
        torch.distributed.all_reduce(told, torch.distributed.ReduceOp.MAX)
        return int(told.item())
