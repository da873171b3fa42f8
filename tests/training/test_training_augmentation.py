from __future__ import annotations

import pytest
import torch

from nada.training.augmentation import KINDS, MAXIMUM_PROBABILITY, WHOLE, adapt_probability, augment
from nada.training.draw import Draw


def draw(count: int = 64) -> Draw:
    return Draw(0, 0, count)


def pictures(count: int = 64, size: int = 16) -> torch.Tensor:
    return Draw(9, 0, count).uniform(3, size, size) * 2 - 1


@pytest.mark.parametrize("kind", KINDS)
def test_probability_is_the_share_of_pictures_changed(kind: str) -> None:
    images = pictures(400)
    unchanged = augment(images, 0.0, (kind,), draw(400))
    assert torch.allclose(unchanged, images, atol=1e-5) and (kind not in WHOLE or torch.equal(unchanged, images))
    for probability in (0.5, 1.0):
        changed = (augment(images, probability, (kind,), draw(400)) - images).abs() > 1e-4
        share = changed.flatten(1).any(dim=1).float().mean().item()
        expected = probability * {"flip": 1 / 2, "turn": 3 / 4, "shift": 24 / 25}.get(kind, 1.0)
        assert abs(share - expected) < 0.08


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_pass_through_and_the_draw_repeats(kind: str) -> None:
    images = pictures(8).requires_grad_(True)
    result = augment(images, 1.0, (kind,), draw(8))
    assert torch.equal(result, augment(images, 1.0, (kind,), draw(8)))
    (gradient,) = torch.autograd.grad(result.square().sum(), images)
    assert all(one.abs().sum() > 0 for one in gradient)


def test_flip_mirrors_left_and_right() -> None:
    images = pictures()
    result = augment(images, 1.0, ("flip",), draw())
    mirrored = (result == images.flip(3)).flatten(1).all(dim=1)
    kept = (result == images).flatten(1).all(dim=1)
    assert torch.all(mirrored | kept) and mirrored.any() and kept.any()


def test_shift_moves_the_picture_and_repeats_its_border() -> None:
    """A plain ground stays plain, and a dot moves by at most an eighth of the side, both ways."""
    images = torch.full((200, 3, 16, 16), 1.0)
    assert torch.equal(augment(images, 1.0, ("shift",), draw(200)), images)
    images[:, :, 8, 8] = -1
    dots = (augment(images, 1.0, ("shift",), draw(200))[:, 0] < 0).nonzero()
    assert len(dots) == 200
    assert dots[:, 1:].min() == 6 and dots[:, 1:].max() == 10


def test_turns_are_all_four_and_each_is_exact() -> None:
    images = pictures(200)
    result = augment(images, 1.0, ("turn",), draw(200))
    found = [(result == images.rot90(turns, (2, 3))).flatten(1).all(dim=1) for turns in range(4)]
    assert torch.stack(found).any(dim=0).all() and all(one.sum() > 25 for one in found)


def test_movements_compose_into_one_sampling() -> None:
    """Flip and then turn is another picture than either, and still made of the same pixels."""
    images = pictures(200)
    result = augment(images, 1.0, ("flip", "turn"), draw(200))
    sorted_pixels = [one.flatten(2).sort(dim=2).values for one in (images, result)]
    assert torch.equal(*sorted_pixels)
    both = [(result == images.flip(3).rot90(turns, (2, 3))).flatten(1).all(dim=1).any() for turns in range(4)]
    assert all(both)


def test_a_larger_scale_shows_more_and_a_stretch_keeps_the_area() -> None:
    """A centred disc: scaling changes how many pixels it covers, stretching does not, rotating neither."""
    axis = torch.arange(64) - 31.5
    disc = ((axis[:, None] ** 2 + axis[None] ** 2) < 12**2).float().expand(200, 3, 64, 64)
    before = disc[0, 0].sum()
    areas = {
        kind: augment(disc, 1.0, (kind,), draw(200))[:, 0].sum(dim=(1, 2)) / before
        for kind in ("scale", "stretch", "rotate")
    }
    assert (areas["stretch"] - 1).abs().max() < 0.03 and (areas["rotate"] - 1).abs().max() < 0.01
    # The area changes by the square of the factor, whose binary logarithm has a deviation of 0.2.
    assert areas["scale"].log2().std().item() == pytest.approx(0.4, abs=0.06)


def test_hue_turns_colours_about_grey() -> None:
    grey = pictures(20)[:, :1].repeat(1, 3, 1, 1)
    assert torch.allclose(augment(grey, 1.0, ("hue",), draw(20)), grey, atol=1e-6)
    images = pictures(20)
    turned = augment(images, 1.0, ("hue",), draw(20))
    distance = [(one - one.mean(dim=1, keepdim=True)).norm(dim=1) for one in (images, turned)]
    assert torch.allclose(*distance, atol=1e-5) and not torch.allclose(images, turned, atol=0.1)


def test_cutout_hides_at_most_a_quarter() -> None:
    hidden = (augment(torch.ones(200, 3, 16, 16), 1.0, ("cutout",), draw(200)) == 0).float().mean(dim=(1, 2, 3))
    assert hidden.max() <= 0.26 and hidden.min() > 0


def test_adaptive_probability_follows_the_sign_of_real_logits() -> None:
    up = adapt_probability(0.1, real_signs=0.9, images=1000, target=0.6, kimg=100)
    down = adapt_probability(0.1, real_signs=0.2, images=1000, target=0.6, kimg=100)
    assert up == pytest.approx(0.11) and down == pytest.approx(0.09)
    assert adapt_probability(0.0, 0.0, 1000, 0.6, 1) == 0.0
    assert adapt_probability(0.7, 1.0, 1000, 0.6, 1) == MAXIMUM_PROBABILITY
