"""Random weights for the networks that features come from."""

from __future__ import annotations

import torch
from torch import nn


def scramble(network: nn.Module, seed: int) -> dict[str, torch.Tensor]:
    """A state dict in which every tensor matters: signals neither die nor explode, norms are not the identity."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(name: str, tensor: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
            return 1 + 0.2 * noise.tanh()
        return noise * (2 / tensor[0].numel()) ** 0.5 if tensor.ndim > 1 else 0.1 * noise

    return {
        name: drawn(name, tensor)
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
