"""The faster forms of attention and patch embedding compute what torch's modules do."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from nada.clip.faster import use_faster_layers


class Tower(nn.Module):
    def __init__(self, batch_first: bool = True, **options: object) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, stride=4, bias=False)
        self.attention = nn.MultiheadAttention(12, 3, batch_first=batch_first, **options)

    def forward(self, images: torch.Tensor, **options: object) -> torch.Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        return self.attention(tokens, tokens, tokens, **options)[0]


def both(tower: nn.Module, images: torch.Tensor, **options: object) -> list[list[torch.Tensor]]:
    """Result and gradients by picture, by torch's layers and by ours."""
    quick = copy.deepcopy(tower)
    use_faster_layers(quick)
    results = []
    for model in (tower, quick):
        given = images.clone().requires_grad_(True)
        result = model(given, **options)
        gradients = torch.autograd.grad(result.square().sum(), [given, *model.parameters()])
        results.append([result, *gradients])
    return results


MASK = torch.full((6, 6), float("-inf")).triu(1)


@pytest.mark.parametrize("mask", [None, MASK, MASK.isinf()], ids=["free", "added", "boolean"])
def test_values_and_gradients_are_torchs(mask: torch.Tensor | None) -> None:
    """Catches heads in another order, a mask that is turned round, windows that are read in another order."""
    torch.manual_seed(0)
    torch.testing.assert_close(*both(Tower(), torch.randn(2, 3, 8, 12), need_weights=False, attn_mask=mask))


def test_what_is_unusual_is_left_to_torch() -> None:
    """Catches a layer that is replaced although it does more, or is asked for more."""
    torch.manual_seed(0)
    images = torch.randn(2, 3, 8, 12)
    torch.testing.assert_close(*both(Tower(), images, need_weights=True))
    torch.testing.assert_close(*both(Tower(add_bias_kv=True), images, need_weights=False))
    torch.testing.assert_close(*both(Tower(), torch.randn(2, 3, 9, 13), need_weights=False))  # a rest is dropped
    sequence_first = Tower(batch_first=False)
    before = sequence_first.attention.forward
    use_faster_layers(sequence_first)
    assert sequence_first.attention.forward == before


def test_the_weights_keep_their_names() -> None:
    tower = Tower()
    names = list(tower.state_dict())
    use_faster_layers(tower)
    assert list(tower.state_dict()) == names
