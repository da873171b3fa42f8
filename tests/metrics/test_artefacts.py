"""Grain of colour and pictures of one colour, on pictures whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import colour_noise, colour_spread, one_colour_share


def grey(count: int = 2, side: int = 64) -> np.ndarray:
    return np.full((count, side, side, 3), 128, np.uint8)


def noisy(pictures: np.ndarray, deviation: float, of_colour: bool = True) -> np.ndarray:
    """Add normal noise, to every channel its own, or the same to all, which is noise of brightness alone."""
    shape = pictures.shape if of_colour else (*pictures.shape[:3], 1)
    noise = np.random.default_rng(0).normal(0, deviation, shape)
    return np.clip(pictures + noise, 0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("deviation", [5.0, 15.0])
def test_noise_of_known_strength_is_found(deviation: float) -> None:
    """Each chroma weight's norm scales it; fails with a wrong constant of mask or median."""
    norms = [np.linalg.norm([0.168736, 0.331264, 0.5]), np.linalg.norm([0.5, 0.418688, 0.081312])]
    expected = deviation * np.sqrt(np.mean(np.square(norms)))
    assert colour_noise(noisy(grey(), deviation)) == pytest.approx([expected] * 2, rel=0.06)


def test_noise_of_brightness_is_no_noise_of_colour() -> None:
    assert colour_noise(noisy(grey(), 20, of_colour=False)).max() < 1e-6


def test_edges_and_gradients_are_no_noise() -> None:
    """A logo has hard edges of colour; the mean in place of the median would take them for grain."""
    logo, sky = grey(1), grey(1)
    logo[:, 20:40, 10:50] = [250, 10, 30]
    sky[0, :, :, 2] = np.arange(64)[:, None] * 2
    assert colour_noise(np.concatenate([logo, sky])).max() == pytest.approx(0, abs=0.2)


def test_parts_give_what_the_whole_gives() -> None:
    pictures = noisy(grey(4), 10)
    for measure in (colour_noise, colour_spread):
        assert np.array_equal(measure(pictures), np.concatenate([measure(pictures[:1]), measure(pictures[1:])]))
        assert measure(pictures[:0]).shape == (0,)


def test_a_picture_of_one_colour_has_no_spread() -> None:
    halves = grey(1)
    halves[:, :32] = 28
    spreads = colour_spread(np.concatenate([grey(2), halves]))
    assert spreads == pytest.approx([0, 0, 50])
    assert one_colour_share(spreads) == pytest.approx(2 / 3)


def test_red_beside_green_of_one_brightness_is_not_one_colour() -> None:
    """Brightness alone would call it one."""
    pictures = np.zeros((1, 8, 8, 3), np.uint8)
    pictures[:, :, :4, 0], pictures[:, :, 4:, 1] = 200, 102
    assert colour_spread(pictures)[0] > 50


@pytest.mark.parametrize("wrong", [np.zeros((2, 2, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8), np.zeros((1, 8, 8, 3))])
def test_other_shapes_and_types_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(NadaError, match="uint8"):
        colour_noise(wrong)
