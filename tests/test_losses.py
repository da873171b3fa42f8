from __future__ import annotations

import numpy as np
import torch

from nada.losses import discriminator_loss, generator_loss, r1_penalty


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_losses_are_the_logistic_ones_and_not_the_saturating_or_swapped_form() -> None:
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 7, 1))
    as_tensors = torch.from_numpy(real), torch.from_numpy(fake)
    expected = -np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()
    assert np.isclose(discriminator_loss(*as_tensors).item(), expected)
    assert np.isclose(generator_loss(as_tensors[1]).item(), -np.log(sigmoid(fake)).mean())


def test_losses_stay_finite_for_logits_that_overflow_an_exponential() -> None:
    logits = torch.tensor([[-200.0], [200.0]])
    assert generator_loss(logits).item() == 100.0
    assert discriminator_loss(logits, -logits).item() == 200.0


def test_r1_of_a_linear_discriminator_is_its_squared_weight() -> None:
    """Catches a missing sum over pixels, a mean where a sum belongs, and a penalty that scales with the batch."""
    weight = torch.randn(3, 4, 4, dtype=torch.float64, requires_grad=True)
    images = torch.randn(5, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    penalty = r1_penalty((images * weight).sum(dim=(1, 2, 3))[:, None], images)
    assert torch.isclose(penalty, weight.square().sum())
    (gradient,) = torch.autograd.grad(penalty, weight)
    assert torch.allclose(gradient, 2 * weight)


def test_r1_of_a_quadratic_discriminator_differentiates_through_the_gradient() -> None:
    """D(x) = a |x|^2 / 2 has gradient a x, so the penalty is a^2 mean |x|^2, and its derivative 2 a mean |x|^2."""
    images = torch.randn(4, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    penalty = r1_penalty((scale / 2 * images.square().sum(dim=(1, 2, 3)))[:, None], images)
    power = images.detach().square().sum(dim=(1, 2, 3)).mean()
    (gradient,) = torch.autograd.grad(penalty, scale)
    assert torch.isclose(penalty, 0.49 * power)
    assert torch.isclose(gradient, 1.4 * power)
