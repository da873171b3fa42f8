"""Text as a condition, beside classes: rows, known prompts, refusals, and truncation towards a condition's own mean."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from fakes import tiny_generator
from torch.nn.functional import normalize

from nada.errors import NadaError, UsageError
from nada.models import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig, latents_from_seeds, truncation

PROMPTS = ("a red fox", "a blue owl", "a green hat")
Z = torch.randn(3, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def generator() -> Generator:
    return tiny_generator(16, prompts=PROMPTS)


def test_a_number_stands_for_the_prompt_that_the_generator_knows(generator: Generator) -> None:
    """Catches numbers that are taken for one-hot rows, and prompts in another order than their embeddings."""
    known = generator.mapping.prompt_embeddings
    assert torch.equal(generator(Z, torch.tensor([2, 0, 1])), generator(Z, known[[2, 0, 1]]))
    assert not torch.equal(generator(Z, known), generator(Z, known[[1, 0, 2]]))
    assert generator.config.num_conditions == 3 and generator.config.condition_dim == 6


def test_samples_of_known_prompts_and_of_any_embedding(generator: Generator) -> None:
    known, other = generator.mapping.prompt_embeddings, normalize(torch.randn(6), dim=0)
    pictures = generator.sample(range(4))
    assert np.array_equal(pictures, generator.sample(range(4), classes=[0, 1, 2, 0]))
    assert np.array_equal(pictures, generator.sample(range(4), conditions=known[[0, 1, 2, 0]]))
    one_each = generator.sample(range(4), conditions=other.expand(4, -1))
    for shared in (other, other[None]):
        assert np.array_equal(generator.sample(range(4), conditions=shared), one_each)
    assert not np.array_equal(pictures, one_each)


def test_a_mixture_of_classes_is_a_condition_too() -> None:
    generator = tiny_generator(16, classes=3)
    one_hot = generator.sample(range(2), conditions=torch.eye(3)[1])
    assert np.array_equal(one_hot, generator.sample(range(2), classes=1))
    assert not np.array_equal(one_hot, generator.sample(range(2), conditions=torch.tensor([0.5, 0.5, 0.0])))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, r"needs a text for every picture: rows of 6 numbers, or the number .* \(0 to 2\)"),
        (torch.tensor([0, 1, 3]), "Known texts go from 0 to 2"),
        (torch.randn(3, 5), r"rows of 6, not \[3, 5\]"),
        (torch.randn(2, 6), "Conditions of 3 pictures"),
        (torch.randn(6), "Conditions of 3 pictures"),
    ],
    ids=["none", "unknown", "narrow", "few", "flat"],
)
def test_conditions_that_do_not_fit_are_refused(generator: Generator, labels: torch.Tensor | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        generator(Z, labels)


def test_conditions_exclude_classes_and_unconditional_generators(generator: Generator) -> None:
    with pytest.raises(UsageError, match="exclude classes"):
        generator.sample([0], classes=0, conditions=torch.randn(6))
    with pytest.raises(UsageError, match="unconditional"):
        tiny_generator(16).sample([0], conditions=torch.randn(6))


def test_a_generator_without_known_prompts_takes_embeddings_only() -> None:
    generator = Generator(GeneratorConfig(8, (4, 4), 8, 8, 1, text_dim=6))
    assert generator.sample([0, 1], conditions=torch.randn(2, 6)).shape == (2, 8, 8, 3)
    with pytest.raises(UsageError, match="rows of 6 numbers"):
        generator.sample([0])
    with pytest.raises(UsageError, match="are none in this generator"):
        generator(Z, torch.tensor([0, 0, 0]))


def test_impossible_configurations_are_refused_and_possible_ones_survive_json() -> None:
    config = tiny_generator(16, prompts=PROMPTS).config
    assert GeneratorConfig.from_dict(config.to_dict()) == config
    for wrong, words in (
        ({"num_classes": 2, "text_dim": 6}, "not on both"),
        ({"prompts": ("a",)}, "text_dim"),
        ({"text_guide": "demo"}, "text_dim"),
        ({"text_dim": 6, "prompts": ("a", "a")}, "listed once"),
        ({"text_dim": -1}, "positive"),
    ):
        with pytest.raises(NadaError, match=words):
            GeneratorConfig(8, (4, 4), **wrong)
    with pytest.raises(NadaError, match="not on both"):
        DiscriminatorConfig(8, (4, 4), num_classes=2, text_dim=6)


def test_a_network_says_what_it_is_conditioned_on(generator: Generator) -> None:
    assert "text of fake, 3 known prompts ('a red fox', 'a blue owl', 'a green hat')" in repr(generator)
    assert "2 classes ('class0', 'class1')" in repr(tiny_generator(16, classes=2))
    assert "16 px, unconditional" in repr(tiny_generator(16))
    assert "'p3', …)" in repr(tiny_generator(8, prompts=tuple(f"p{index}" for index in range(9))))


def test_the_text_changes_the_verdict_and_is_required() -> None:
    """Catches a projection that forgets the text: the discriminator would not judge whether text and picture match."""
    network = Discriminator(DiscriminatorConfig(8, (6, 6), text_dim=5))
    images, texts = torch.randn(2, 3, 8, 8), normalize(torch.randn(2, 5), dim=1).requires_grad_(True)
    assert not torch.equal(network(images, texts), network(images, texts.flip(0)))
    network(images, texts).sum().backward()
    assert texts.grad.abs().sum() > 0
    numbers, narrow = torch.tensor([0, 1]), torch.randn(2, 4)
    for labels, words in ((None, "needs the text"), (numbers, "row of 5"), (narrow, "row of 5")):
        with pytest.raises(UsageError, match=words):
            network(images, labels)


def test_texts_that_lie_close_together_are_told_apart_once_they_are_standardised() -> None:
    """Catches captions that all say "a logo of": without their centre taken away the networks see one condition."""
    texts = normalize(torch.tensor([8.0, 0, 0, 0, 0]) + torch.randn(200, 5), dim=1)
    torch.manual_seed(0)
    networks = (
        Generator(GeneratorConfig(8, (4, 4), 8, 16, 2, text_dim=5)),
        Discriminator(DiscriminatorConfig(8, (16, 6), text_dim=5, mapping_layers=2)),
    )
    for network in networks:
        z = torch.zeros(200, 8) if network.mapping.z_dim else None
        close = network.mapping(z, texts).std(dim=0).mean()
        network.mapping.standardise_text(texts)
        rows = (texts - network.mapping.text_centre) / network.mapping.text_spread
        assert rows.mean(dim=0).abs().max() < 1e-5 and rows.square().sum(dim=1).mean() == pytest.approx(1)
        assert network.mapping(z, texts).std(dim=0).mean() > 2 * close
        network.mapping.standardise_text(texts[:1].expand(3, -1))  # one text: nothing to divide by
        assert network.mapping(z, texts).isfinite().all() and network.mapping.text_spread == 1


@pytest.mark.parametrize("made", [{"classes": 3}, {"prompts": PROMPTS}], ids=["classes", "text"])
def test_truncation_can_pull_towards_the_mean_of_the_condition(made: dict) -> None:
    """Catches a centre of another condition, of all conditions, or of too few latents."""
    generator, labels = tiny_generator(16, **made), torch.tensor([2, 0, 2])
    w = generator.map_latents(Z, labels)
    half = generator.map_latents(Z, labels, 0.5, 3, truncation_centre="condition")
    assert torch.equal(half[:, 3:], w[:, 3:])
    centres = 2 * half[:, 0] - w[:, 0]
    for row, label in enumerate(labels):
        many = torch.randn(20_000, 8, generator=torch.Generator().manual_seed(5))
        styles = generator.mapping(many, generator.known_conditions[label].expand(20_000, -1))
        assert (centres[row] - styles.mean(dim=0)).abs().max() < 0.06 * styles.std(dim=0).max()
    torch.testing.assert_close(centres[0], centres[2])
    assert (centres[0] - centres[1]).abs().max() > 0.1
    assert torch.equal(generator.map_latents(Z, labels, 0.5), generator.map_latents(Z, labels, 0.5, None, "global"))


def test_full_truncation_towards_the_condition_shows_one_picture_per_condition(generator: Generator) -> None:
    pictures = generator.sample(range(6), truncation=0.0, truncation_centre="condition")
    assert np.array_equal(pictures[:3], pictures[3:]) and not np.array_equal(pictures[0], pictures[1])
    everywhere = generator.sample(range(6), truncation=0.0)
    assert np.array_equal(everywhere[0], everywhere[1])


def test_the_mean_of_a_condition_is_computed_once_and_follows_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a centre that outlives the weights it was computed with, also in a copy of the generator."""
    generator, labels, drawn = tiny_generator(16, classes=2).requires_grad_(False), torch.tensor([0, 1, 1]), []
    monkeypatch.setattr(truncation, "latents_from_seeds", lambda *args: drawn.append(1) or latents_from_seeds(*args))

    def half(network: Generator) -> torch.Tensor:
        return network.map_latents(Z, labels, 0.5, truncation_centre="condition")

    before = half(generator)
    assert torch.equal(half(generator), before) and len(drawn) == 2
    changed = copy.deepcopy(generator)
    changed.mapping.fc1.bias.add_(100.0)
    generator.mapping.fc1.bias.add_(100.0)
    assert torch.equal(half(changed), half(generator)) and not torch.equal(half(generator), before)
    assert len(drawn) == 6


def test_an_unknown_centre_is_refused_and_an_unconditional_generator_has_one_centre() -> None:
    generator = tiny_generator(16)
    with pytest.raises(UsageError, match="global or the condition"):
        generator.sample([0], truncation=0.5, truncation_centre="class")
    assert torch.equal(generator.map_latents(Z, None, 0.5, None, "condition"), generator.map_latents(Z, None, 0.5))
