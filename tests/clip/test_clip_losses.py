"""The guidance losses against NumPy written from the formulas, and where the formulas have no value."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nada.clip import losses


def embeddings(count: int, width: int = 7, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    values = torch.from_numpy(np.random.RandomState(seed).randn(2 * count + 1, width))
    values = values / values.norm(dim=1, keepdim=True)
    return values[:count], values[count : 2 * count], values[-1]


@pytest.mark.parametrize("count", [1, 5])
def test_losses_equal_the_formulas_in_numpy(count: int) -> None:
    frozen, trainable, direction = embeddings(count)
    before, after, along = (tensor.numpy() for tensor in (frozen, trainable, direction))
    for row in range(count):
        edit = after[row] - before[row]
        length = np.sqrt(sum(value**2 for value in edit))
        dot = sum(one * other for one, other in zip(edit, along))
        checks = {
            losses.directional_loss(frozen, trainable, direction)[row]: 1 - dot / length,
            losses.edit_cosine(frozen, trainable, direction)[row]: dot / length,
            losses.edit_length(frozen, trainable)[row]: length,
            losses.projection(frozen, trainable, direction)[row]: dot,
            losses.projection_hinge(frozen, trainable, direction, 0.3)[row]: max(0.0, 0.3 - dot),
            losses.global_loss(trainable, direction)[row]: 1 - sum(a * b for a, b in zip(after[row], along)),
        }
        for value, wanted in checks.items():
            assert value.item() == pytest.approx(wanted, abs=1e-12)


def test_edit_along_the_direction_costs_nothing_and_against_it_two() -> None:
    frozen, _, direction = embeddings(2)
    for edit, cost in ((0.3 * direction, 0.0), (-0.3 * direction, 2.0)):
        loss = losses.directional_loss(frozen, frozen + edit, direction)
        torch.testing.assert_close(loss, torch.full_like(loss, cost))


@pytest.mark.parametrize("eps", [1e-8, 0.05])
def test_zero_edit_costs_one_and_pulls_along_the_direction(eps: float) -> None:
    """Without the floor the loss is NaN here, which is where every adaptation with shared noise begins."""
    frozen, _, direction = embeddings(3)
    trainable = frozen.clone().requires_grad_()
    loss = losses.directional_loss(frozen, trainable, direction, eps)
    assert loss.tolist() == [1.0, 1.0, 1.0]
    loss.sum().backward()
    torch.testing.assert_close(trainable.grad, (-direction / eps).expand(3, -1))


def test_floor_leaves_longer_edits_alone() -> None:
    frozen, trainable, direction = embeddings(4)
    assert losses.directional_loss(frozen, trainable, direction, 0.05).equal(
        losses.directional_loss(frozen, trainable, direction, 1e-8)
    )


def test_gradients_are_right_in_double_precision() -> None:
    frozen, trainable, direction = embeddings(3)
    trainable.requires_grad_()
    for loss in (losses.directional_loss, losses.projection_hinge):
        assert torch.autograd.gradcheck(loss, (frozen, trainable, direction))
    assert torch.autograd.gradcheck(lambda moved: losses.global_loss(moved, direction), (trainable,))

    def floored(moved: torch.Tensor) -> torch.Tensor:
        return losses.directional_loss(frozen, moved, direction, 0.05)

    assert torch.autograd.gradcheck(floored, ((frozen + 0.01 * trainable.detach()).requires_grad_(),))


def test_hinge_is_silent_once_the_edit_is_long_enough() -> None:
    frozen, _, direction = embeddings(2)
    assert losses.projection_hinge(frozen, frozen + 1.1 * direction, direction, 1.0).tolist() == [0.0, 0.0]
