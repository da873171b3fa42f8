from __future__ import annotations

import numpy as np
import pytest
import torch

from nada.errors import UsageError
from nada.losses import discriminator_loss, generator_loss, gradient_penalty, path_lengths, r1_penalty


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


def test_hinge_costs_nothing_beyond_the_margin_and_wgan_everything() -> None:
    real, fake = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0, 2.0])
    assert discriminator_loss(real, fake, "hinge").item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1 + 3) / 3)
    assert discriminator_loss(real, fake, "wgan-gp").item() == pytest.approx(-1 / 3 - 1.5 / 3)
    for kind in ("hinge", "wgan-gp"):
        assert generator_loss(fake, kind).item() == pytest.approx(1 / 3)


def test_label_smoothing_is_one_sided() -> None:
    """The best logit of real pictures is that of probability 0.9; generated ones are still to be told for sure."""
    logits = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    nothing = torch.tensor([-100.0], dtype=torch.float64)
    costs = torch.stack([discriminator_loss(one[None], nothing, "logistic", 0.1) for one in logits])
    assert torch.sigmoid(logits[costs.argmin()]).item() == pytest.approx(0.9, abs=2e-3)
    fake = [discriminator_loss(nothing, torch.tensor([one]), "logistic", 0.1).item() for one in (-20.0, -2.0)]
    assert fake[0] < fake[1]
    with pytest.raises(UsageError, match="needs the logistic loss"):
        discriminator_loss(logits, logits, "hinge", 0.1)
    with pytest.raises(UsageError, match="unknown loss 'wgan'; choose from logistic"):
        generator_loss(logits, "wgan")


def test_gradient_penalty_of_a_linear_critic_is_the_squared_excess_of_its_norm() -> None:
    weight = torch.randn(3, 4, 4).requires_grad_(True)
    real, fake = torch.randn(2, 5, 3, 4, 4)
    penalty = gradient_penalty(lambda x: (x * weight).sum(dim=(1, 2, 3))[:, None], real, fake, torch.rand(5, 1, 1, 1))
    assert torch.isclose(penalty, (weight.norm() - 1) ** 2)
    penalty.backward()
    assert weight.grad.abs().sum() > 0


def test_gradient_penalty_looks_between_real_and_generated() -> None:
    seen = []
    real, fake = torch.zeros(2, 1, 2, 2), torch.ones(2, 1, 2, 2)
    share = torch.tensor([0.25, 1.0]).view(2, 1, 1, 1)
    gradient_penalty(lambda x: (seen.append(x.detach()), x.sum(dim=(1, 2, 3)))[1], real, fake, share)
    assert seen[0][0].unique().item() == 0.25 and seen[0][1].unique().item() == 1.0


def test_path_lengths_of_a_linear_generator_are_known() -> None:
    """images = w . A: J^T y is A y, whose mean square over the noise is |A|^2 / (H W)."""
    matrix = torch.randn(6, 3 * 4 * 4, dtype=torch.float64)
    styles = torch.randn(500, 2, 6, dtype=torch.float64, requires_grad=True)
    images = (styles.mean(dim=1) @ matrix).view(500, 3, 4, 4)
    lengths = path_lengths(images, styles, torch.randn(500, 3, 4, 4, dtype=torch.float64))
    # Two styles share the gradient: each has half of it, and the mean over them of the squares is a quarter.
    assert lengths.square().mean().item() == pytest.approx(matrix.square().sum().item() / 16 / 4, rel=0.15)
