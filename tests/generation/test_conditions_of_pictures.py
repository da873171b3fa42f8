"""Conditions by name, number and free text."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_encoder import FakeEncoder
from fakes import tiny_generator

from nada.errors import NadaError, UsageError
from nada.generation import generate
from nada.generation.conditions import Conditions
from nada.models import Generator

PROMPTS = ("a red fox", "a blue bird")


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Generator:
    """A generator of text whose guide is a fake one that reads texts as 6 numbers."""
    monkeypatch.setattr(
        "nada.generation.conditions.load_encoder", lambda spec: FakeEncoder(spec, width=6, words=["a", "green", "fox"])
    )
    return tiny_generator(8, prompts=PROMPTS)


def test_known_prompts_go_in_turn_and_are_found_by_name_and_number(reader: Generator) -> None:
    conditions = Conditions(reader)
    assert [conditions.of(seed) for seed in (0, 1, 2)] == [PROMPTS[0], PROMPTS[1], PROMPTS[0]]
    assert Conditions(reader, ["1", "a red fox"]).names == [PROMPTS[1], PROMPTS[0]]
    assert torch.equal(conditions.rows([PROMPTS[1]])[0], reader.mapping.prompt_embeddings[1])


def test_any_other_text_is_read_by_the_generators_own_guide(reader: Generator) -> None:
    """Fails where the guide of the command is asked, or the text is taken for the nearest known prompt."""
    (one,) = generate(reader, [3], classes=["  a green   fox "])
    row = FakeEncoder("fake", width=6).encode_text(["a green fox"])
    expected = reader.sample([3], conditions=row)[0]
    assert one.recipe.condition == "a green fox" and np.array_equal(one.pixels, expected)


def test_words_that_the_guide_never_saw_are_told(reader: Generator) -> None:
    with pytest.warns(UserWarning, match="does not know zebra"):
        Conditions(reader, ["a zebra"])


def test_a_guide_of_another_width_is_refused(reader: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nada.generation.conditions.load_encoder", lambda spec: FakeEncoder(spec, width=5))
    with pytest.raises(NadaError, match="5 numbers, but this generator needs 6"):
        Conditions(reader, ["a green fox"])


def test_conditions_that_are_not_there() -> None:
    with pytest.raises(UsageError, match="there are class0, class1"):
        Conditions(tiny_generator(8, classes=2), ["class7"])
    with pytest.raises(UsageError, match="has no classes and reads no text"):
        Conditions(tiny_generator(8), ["apple"])
    with pytest.raises(UsageError, match="--class is empty"):
        Conditions(tiny_generator(8, prompts=PROMPTS), ["  "])
    with pytest.raises(NadaError, match="the settings name none"):
        Conditions(tiny_generator(8, classes=2)).rows([None])
    assert Conditions(tiny_generator(8)).of(3) is None and Conditions(tiny_generator(8)).rows([None]) is None


def test_one_name_is_not_a_list_of_letters() -> None:
    """Fails where `classes="class1"` is refused as the class c, or a number has to be written as text."""
    generator = tiny_generator(16, classes=2)
    for classes in ("class1", 1, [1], ["1"]):
        assert [picture.recipe.condition for picture in generate(generator, [0, 1], classes=classes)] == ["class1"] * 2
