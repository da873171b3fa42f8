"""The generator: sizes, names, noise, truncation, classes, and its halves. Values are held by the golden files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import tiny_generator

from nada.errors import NadaError, UsageError
from nada.models import Generator, GeneratorConfig, default_channels, latents_from_seeds, mix_styles


@pytest.mark.parametrize("resolution", [4, 8, 64, 256])
def test_every_size_gives_its_picture_and_its_number_of_styles(resolution: int) -> None:
    generator = tiny_generator(resolution, width=2)
    w = generator.map_latents(torch.randn(2, 8))
    assert w.shape == (2, generator.num_ws, 8) and generator.num_ws == 2 * (resolution.bit_length() - 1) - 2
    assert generator.synthesize(w).shape == (2, 3, resolution, resolution)


def test_published_sizes_have_the_published_number_of_parameters() -> None:
    def count(resolution: int, base: int, layers: int = 8) -> int:
        with torch.device("meta"):
            config = GeneratorConfig(resolution, default_channels(resolution, base), mapping_layers=layers)
            return sum(parameter.numel() for parameter in Generator(config).parameters())

    assert count(1024, 32768) == 30_370_060
    assert count(256, 16384) == 24_767_458
    assert count(256, 32768) == 30_034_338
    assert count(256, 16384, layers=2) == 23_191_522


def test_parameters_are_addressed_by_block_and_layer() -> None:
    names = dict(tiny_generator(16, classes=3).named_parameters())
    for name in ("b4.const", "b16.conv0.weight", "b16.conv1.affine.bias", "b8.torgb.weight", "mapping.embed.weight"):
        assert name in names
    assert "b4.conv0.weight" not in names and "b16.conv1.noise_strength" in names


def test_each_style_reaches_the_layers_it_stands_for() -> None:
    """Changing style i must leave all blocks before its layer alone: a shifted index would not."""
    generator = tiny_generator(16)
    w = generator.map_latents(torch.randn(1, 8))
    for index in range(generator.num_ws):
        changed = w.clone()
        changed[:, index] += 1.0
        reached = []
        for name in generator.block_names:
            blocks = generator.block_names[: generator.block_names.index(name) + 1]
            before, after = (generator._run((None, None), v, blocks, "none") for v in (w, changed))
            reached.append(not torch.equal(before.x, after.x) or not torch.equal(before.image, after.image))
        first = index // 2  # style 0 starts at b4; 1 is b4's picture; 2 and 3 start at b8 (its conv1), b8's picture
        assert reached.index(True) == first


def test_halves_make_the_whole() -> None:
    generator = tiny_generator(32)
    w = generator.map_latents(torch.randn(2, 8))
    noise = generator.make_noise(2, torch.Generator().manual_seed(1))
    for block in generator.block_names:
        features = generator.synthesize_until(w, block, noise)
        assert torch.equal(generator.synthesize_from(features, w, block, noise), generator.synthesize(w, noise))


def test_noise_modes() -> None:
    generator = tiny_generator(16)
    w = generator.map_latents(torch.randn(1, 8))
    const, none = generator.synthesize(w, "const"), generator.synthesize(w, "none")
    assert torch.equal(const, generator.synthesize(w)) and not torch.equal(const, none)
    assert not torch.equal(generator.synthesize(w, "random"), generator.synthesize(w, "random"))
    stored = {f"{b}.{k}": m.noise_const for b in generator.block_names for k, m in getattr(generator, b).layers.items()}
    assert torch.equal(generator.synthesize(w, stored), const)
    with pytest.raises(UsageError, match="const, random, none"):
        generator.synthesize(w, "constant")


def test_truncation_pulls_the_first_layers_towards_the_mean() -> None:
    generator = tiny_generator(16)
    z = torch.randn(2, 8)
    w, half = generator.map_latents(z), generator.map_latents(z, truncation=0.5, truncation_cutoff=3)
    centre = generator.mapping.w_avg
    torch.testing.assert_close(half[:, :3], centre + 0.5 * (w[:, :3] - centre))
    assert torch.equal(half[:, 3:], w[:, 3:])


def test_classes_are_needed_checked_and_matter() -> None:
    generator = tiny_generator(16, classes=3)
    z = torch.randn(2, 8)
    numbers, one_hot = torch.tensor([0, 2]), torch.eye(3)[[0, 2]]
    assert torch.equal(generator(z, numbers), generator(z, one_hot))
    assert not torch.equal(generator(z, numbers), generator(z, torch.tensor([1, 2])))
    with pytest.raises(UsageError, match="needs a class"):
        generator(z)
    with pytest.raises(UsageError, match="0 to 2"):
        generator(z, torch.tensor([0, 3]))


def test_a_seed_gives_the_fields_latent_and_the_same_picture_in_any_batch() -> None:
    np.testing.assert_array_equal(
        latents_from_seeds([3], 8)[0].numpy(), np.random.RandomState(3).randn(8).astype(np.float32)
    )
    generator = tiny_generator(16, classes=2)
    together, alone = generator.sample(range(5), batch=4), generator.sample([3])
    assert together.shape == (5, 16, 16, 3) and together.dtype == np.uint8
    assert np.abs(together[3].astype(int) - alone[0]).max() <= 1
    assert np.array_equal(generator.sample([3], classes=1), generator.sample([3]))
    assert generator.sample([]).shape == (0, 16, 16, 3)
    with pytest.raises(UsageError, match="1 class was given for 2 seeds; give one name or number for all"):
        generator.sample([0, 1], classes=[1])


def test_classes_are_given_by_name_too() -> None:
    """Fails where a name is taken for a list of its letters, or only numbers are understood."""
    generator = tiny_generator(16, classes=2)
    ones = generator.sample(range(5), classes=1)
    assert np.array_equal(generator.sample(range(5), classes="class1"), ones)
    assert np.array_equal(generator.sample(range(5), classes=["class1", 1, "1", "class1", 1]), ones)
    with pytest.raises(UsageError, match="^class clas1: there is no such class; did you mean 'class1'"):
        generator.sample([0], classes="clas1")


def test_style_mixing_takes_the_first_layers_of_one_and_the_rest_of_the_other() -> None:
    first, second = torch.zeros(1, 4, 2), torch.ones(1, 4, 2)
    assert mix_styles(first, second, 3)[0, :, 0].tolist() == [0, 0, 0, 1]


def test_config_survives_json_and_refuses_nonsense() -> None:
    config = tiny_generator(16, classes=2).config
    assert GeneratorConfig.from_dict(config.to_dict()) == config
    for resolution, channels in [(12, (8, 8)), (2, ()), (16, (8, 8)), (8, (8, 0))]:
        with pytest.raises(NadaError):
            GeneratorConfig(resolution, channels)
    with pytest.raises(NadaError, match="class names"):
        GeneratorConfig(4, (8,), num_classes=2, class_names=("one",))
    with pytest.raises(NadaError, match="newer version"):
        GeneratorConfig.from_dict({**config.to_dict(), "style_layers": 3})
    with pytest.raises(NadaError, match="incomplete"):
        GeneratorConfig.from_dict({"resolution": 8})
