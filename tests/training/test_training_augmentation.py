from __future__ import annotations

import pytest
import torch

from nada.training.augmentation import KINDS, MAXIMUM_PROBABILITY, adapt_probability, augment


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 64, size: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=rng(9)) * 2 - 1


@pytest.mark.parametrize("kind", KINDS)
def test_probability_is_the_share_of_pictures_changed(kind: str) -> None:
    images = pictures(400)
    assert torch.equal(augment(images, 0.0, (kind,), rng()), images)
    for probability in (0.5, 1.0):
        changed = augment(images, probability, (kind,), rng()) != images
        share = changed.flatten(1).any(dim=1).float().mean().item()
        expected = probability / 2 if kind == "flip" else probability
        assert abs(share - expected) < 0.08


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_pass_through_and_the_draw_repeats(kind: str) -> None:
    images = pictures(8).requires_grad_(True)
    result = augment(images, 1.0, (kind,), rng())
    assert torch.equal(result, augment(images, 1.0, (kind,), rng()))
    (gradient,) = torch.autograd.grad(result.square().sum(), images)
    assert all(one.abs().sum() > 0 for one in gradient)


def test_flip_mirrors_left_and_right() -> None:
    images = pictures()
    result = augment(images, 1.0, ("flip",), rng())
    mirrored = (result == images.flip(3)).flatten(1).all(dim=1)
    kept = (result == images).flatten(1).all(dim=1)
    assert torch.all(mirrored | kept) and mirrored.any() and kept.any()


def test_shift_moves_the_picture_and_repeats_its_border() -> None:
    """A plain ground stays plain, and a dot moves by at most an eighth of the side, both ways."""
    images = torch.full((200, 3, 16, 16), 1.0)
    assert torch.equal(augment(images, 1.0, ("shift",), rng()), images)
    images[:, :, 8, 8] = -1
    dots = (augment(images, 1.0, ("shift",), rng())[:, 0] < 0).nonzero()
    assert len(dots) == 200
    assert dots[:, 1:].min() == 6 and dots[:, 1:].max() == 10


def test_cutout_hides_at_most_a_quarter() -> None:
    hidden = (augment(torch.ones(200, 3, 16, 16), 1.0, ("cutout",), rng()) == 0).float().mean(dim=(1, 2, 3))
    assert hidden.max() <= 0.26 and hidden.min() > 0


def test_adaptive_probability_follows_the_sign_of_real_logits() -> None:
    up = adapt_probability(0.1, real_signs=0.9, images=1000, target=0.6, kimg=100)
    down = adapt_probability(0.1, real_signs=0.2, images=1000, target=0.6, kimg=100)
    assert up == pytest.approx(0.11) and down == pytest.approx(0.09)
    assert adapt_probability(0.0, 0.0, 1000, 0.6, 1) == 0.0
    assert adapt_probability(0.7, 1.0, 1000, 0.6, 1) == MAXIMUM_PROBABILITY
