"""A generator with other values in some of its tensors."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from nada.models.generator import Generator


@torch.no_grad()
def with_weights(generator: Generator, tensors: Mapping[str, Tensor]) -> Generator:
    """Return a copy of `generator`, without gradients, with some tensors replaced; `generator` stays as it is.

    Raises KeyError for a name that the generator does not have.
    """
    result = copy.deepcopy(generator).requires_grad_(False)
    own = result.state_dict()
    for name, value in tensors.items():
        own[name].copy_(value)
    return result
