"""The same seed gives the same bytes, whatever else is made with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import tiny_generator

from nada.checkpoints import load_generator
from nada.errors import UsageError
from nada.generation import draw_pictures, generate, make_painter, pictures_of, styles_of
from nada.generation.blocks import block_rows
from nada.models import Generator, GeneratorConfig


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("spec", ["demo", "demo-cifar10"])
def test_neither_batches_nor_neighbours_move_a_byte(spec: str, precision: str) -> None:
    """Fails where the rows that are multiplied at once differ, which moves a colour by one level here and there."""
    seeds = [5, 900, 17, 4_294_967_295, 2, 3]
    painter = make_painter(spec, precision=precision)
    whole = {one.recipe.seed: one.pixels for one in generate(painter, [*seeds, *range(20, 36)], precision=precision)}
    for some, batch in ((seeds[2:3], 1), (seeds[::-1], 5), (seeds, 64)):
        for one in generate(painter, some, batch=batch, precision=precision):
            assert np.array_equal(one.pixels, whole[one.recipe.seed]), one.recipe.seed


def test_everything_is_computed_in_blocks_of_one_height(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test above sees only where a colour happens to lie on the edge of two levels."""
    heights = []
    for name in ("map_latents", "synthesize"):
        body = getattr(Generator, name)
        monkeypatch.setattr(
            Generator, name, lambda self, x, *rest, body=body: heights.append(len(x)) or body(self, x, *rest)
        )
    generator = tiny_generator(64, classes=3)
    for count in (1, 16, 21):
        assert len(list(generate(generator, range(count), batch=7, noise="random"))) == count
    assert set(heights) == {block_rows(generator)} and len(heights) == 2 * (1 + 1 + 2)


@pytest.mark.parametrize("spec", ["demo", "demo-cifar10"])
def test_they_are_the_pictures_of_sample(spec: str) -> None:
    """Fails where another order of memory or of sums is used than a person in Python uses."""
    generator = load_generator(spec)
    made = np.stack([one.pixels for one in generate(generator, range(16))])
    assert np.array_equal(made, generator.sample(range(16)))


def test_random_noise_belongs_to_the_seed() -> None:
    """Fails where it is drawn for a batch, or is the same for all."""
    generator = tiny_generator(16)
    twenty = [one.pixels for one in generate(generator, range(20), noise="random")]
    (alone,) = generate(generator, [18], noise="random")
    (stored,) = generate(generator, [18])
    assert np.array_equal(alone.pixels, twenty[18]) and not np.array_equal(alone.pixels, stored.pixels)
    w = styles_of(generator, [3, 3])
    first, second = pictures_of(generator, w, "random", [3, 4])
    assert not np.array_equal(first, second)


def test_truncation_and_its_cutoff_are_those_of_the_generator() -> None:
    generator = tiny_generator(16, classes=3)
    look = {"truncation": 0.4, "truncation_cutoff": 2, "truncation_centre": "condition"}
    (one,) = generate(generator, [7], **look)
    z = torch.from_numpy(np.random.RandomState(7).randn(1, 8)).float()
    with torch.no_grad():
        w = generator.map_latents(z, torch.tensor([7 % 3]), **look)
    assert np.array_equal(one.pixels, pictures_of(generator, w)[0])


def test_a_block_of_large_pictures_is_small() -> None:
    """Memory: sixteen pictures of 1024 px at once need gigabytes."""
    sizes = {side: Generator(GeneratorConfig(side, (2,) * (side.bit_length() - 2), 4, 4, 1)) for side in (4, 64, 256, 1024)}
    assert {side: block_rows(generator) for side, generator in sizes.items()} == {4: 16, 64: 16, 256: 4, 1024: 1}


def test_no_seeds_are_no_pictures() -> None:
    assert draw_pictures(tiny_generator(8), []).shape == (0, 8, 8, 3)
    assert list(generate(tiny_generator(8), [])) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"noise": "loud"},
        {"truncation_centre": "left"},
        {"batch": 0},
        {"seeds": [-1]},
        {"seeds": range(-3, 4)},
        {"strength": 0.5},
    ],
)
def test_nonsense_is_refused_before_the_first_picture(wrong: dict) -> None:
    """Fails where a mistake waits for the first picture to be asked for."""
    with pytest.raises(UsageError):
        generate(tiny_generator(8), **wrong)
