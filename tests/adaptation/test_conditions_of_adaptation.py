"""Conditions in an adaptation: what is drawn, by which numbers and names, for classes and for text."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from fake_encoder import FakeEncoder
from fakes import tiny_generator

from nada import checkpoints
from nada.adaptation import plan as planning
from nada.adaptation.draw import Sampler
from nada.adaptation.run import run_adaptation
from nada.adaptation.settings import Settings, resolve
from nada.clip import Guide
from nada.config.adapt import AdaptConfig
from nada.errors import UsageError
from nada.models import Generator
from nada.models.conditions import class_number

PROMPTS = ("a red fox", "a blue owl", "a green hat")


def guide(*_: object) -> Guide:
    return Guide([FakeEncoder("guide")], "photo", "ink sketch")


def labels(generator: Generator, count: int, **settings: object) -> torch.Tensor | None:
    rng = torch.Generator().manual_seed(3)
    return Sampler(generator, guide(), resolve(Settings(**settings), generator.config), rng).labels(count)


def test_classes_are_drawn_as_they_always_were() -> None:
    """Catches a draw in another order: every seed of a class-conditional generator would mean something else."""
    index = torch.randint(3, (8,), generator=torch.Generator().manual_seed(3))
    assert torch.equal(labels(tiny_generator(16, classes=3), 8), torch.eye(3)[index])


def test_known_prompts_are_drawn_as_classes_are() -> None:
    generator = tiny_generator(16, prompts=PROMPTS)
    index = torch.randint(3, (8,), generator=torch.Generator().manual_seed(3))
    assert torch.equal(labels(generator, 8), generator.mapping.prompt_embeddings[index])
    chosen = labels(generator, 20, classes=(2, 0))
    assert {tuple(row) for row in chosen.tolist()} == {
        tuple(row) for row in generator.mapping.prompt_embeddings[[0, 2]].tolist()
    }
    assert labels(tiny_generator(16), 8) is None


def test_a_prompt_is_named_by_its_words_or_its_number() -> None:
    config = tiny_generator(16, prompts=PROMPTS).config
    assert class_number(config, "a blue owl") == 1 and class_number(config, "2") == 2
    with pytest.raises(UsageError, match="no such prompt; did you mean 'a red fox'.* a green hat"):
        class_number(config, "red fox")
    with pytest.raises(UsageError, match="no such class; there are class0, class1"):
        class_number(tiny_generator(16, classes=2).config, "2")
    with pytest.raises(UsageError, match="no classes and knows no prompts"):
        class_number(tiny_generator(16).config, "apple")


def test_an_error_lists_some_of_many_prompts() -> None:
    config = tiny_generator(8, prompts=tuple(f"number {index}" for index in range(500))).config
    with pytest.raises(UsageError, match="number 4 and 495 more") as info:
        class_number(config, "zebra")
    assert len(str(info.value)) < 400


def test_a_text_conditional_generator_is_adapted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a part of a run, draw, judge, samples, that knows classes only."""
    monkeypatch.setattr(planning, "_guide", guide)
    monkeypatch.setattr(planning, "_judge", guide)
    generator = tiny_generator(16, prompts=PROMPTS)
    checkpoints.save_generator(tmp_path / "tiny", generator)
    config = AdaptConfig(
        source="photo", target="ink sketch", generator=str(tmp_path / "tiny"), steps=2, batch=2, lr=0.01,
        out=str(tmp_path / "runs"), device="cpu",
    )  # fmt: skip
    lines: list[str] = []
    for classes in ((), ("a blue owl",)):
        chosen = dataclasses.replace(config, classes=classes)
        folder = run_adaptation(chosen, announce=lines.append).folder
        adapted = checkpoints.load_generator(folder)
        assert adapted.config == generator.config
        assert torch.equal(adapted.mapping.prompt_embeddings, generator.mapping.prompt_embeddings)
        assert (adapted.sample([1]) != generator.sample([1])).any()
    assert "(16 px, text of fake, 3 known prompts)" in lines[0]
