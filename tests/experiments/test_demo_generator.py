"""The bundled generators, and the script that measures them."""

from __future__ import annotations

import json
from pathlib import Path

import measure_generator
import numpy as np
import pytest
import torch

import nada
from nada.checkpoints import hash_generator, load_generator, registry
from nada.clip import load_encoder
from nada.data import ImageDataset
from nada.images import from_uint8

FOLDER = Path(nada.__file__).parent / "assets" / "generators"
# Mean colours of the held-out photographs, white ground included.
COLOURS = {"apple": (157, 102, 89), "lemon": (233, 176, 101), "mango": (146, 156, 139), "raspberry": (166, 138, 188)}


def test_each_class_has_its_own_colour() -> None:
    """Catches classes in another order than their names, and a generator that ignores its class."""
    generator = load_generator("demo")
    assert generator.config.class_names == tuple(COLOURS)
    expected = np.array(list(COLOURS.values()))
    for number in range(4):
        colour = generator.sample(range(16), classes=number).mean(axis=(0, 1, 2))
        assert np.abs(expected - colour).sum(axis=1).argmin() == number


def test_one_class_shows_different_pictures_and_truncation_fewer() -> None:
    generator = load_generator("demo")
    spread = {psi: generator.sample(range(16), psi, classes=0).std(axis=0).mean() for psi in (1.0, 0.5, 0.0)}
    assert spread[1.0] > 5 and spread[1.0] > spread[0.5] > spread[0.0] == 0


def test_a_guide_recognises_the_classes_of_cifar10() -> None:
    """Catches classes in another order than their names, and a generator that ignores its class; chance is 0.1."""
    generator, judge = load_generator("demo-cifar10"), load_encoder("demo-judge")
    names, numbers = generator.config.class_names, np.arange(200) % 10
    with torch.no_grad():
        pictures = judge.encode_image(from_uint8(generator.sample(range(200), classes=numbers.tolist())))
        texts = judge.encode_text([f"a photo of a {name}" for name in names])
    assert ((pictures @ texts.T).argmax(dim=1).numpy() == numbers).mean() > 0.4


@pytest.mark.parametrize("name", registry.BUNDLED)
def test_the_card_and_the_figures_are_of_these_weights(name: str) -> None:
    """Catches weights that are replaced while the card goes on praising the old ones."""
    hashed = hash_generator(load_generator(name))
    measured = json.loads((FOLDER / name / "measured.json").read_text())
    assert measured["protocol"]["generator_sha256"] == hashed
    assert hashed[:16] in (FOLDER / name / "README.md").read_text()
    assert sum(path.stat().st_size for path in (FOLDER / name).iterdir()) < 6_000_000


def test_a_collapsed_generator_measures_worse() -> None:
    """Catches a distance that takes its arguments from the wrong sets."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    data = ImageDataset(images, np.arange(40) % 2, ("a", "b"))

    class Fake:
        def __init__(self, pictures: np.ndarray) -> None:
            self.pictures = pictures

        def sample(self, seeds: range, classes: list[int]) -> np.ndarray:
            return self.pictures[list(seeds)]

        def state_dict(self) -> dict:
            return {}

    good = measure_generator.measure(Fake(images), data, data, [])
    collapsed = measure_generator.measure(Fake(images[:2].repeat(20, axis=0)), data, data, [])
    assert good["fd_pixels8"] < 1e-3 < collapsed["fd_pixels8"]
    assert good["spread of generated over train"] == 1.0 > collapsed["spread of generated over train"]
