"""Prompts, templates and the text direction."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fake_encoder import FakeEncoder

from nada.clip import prompts
from nada.errors import NadaError, UsageError


def test_direction_is_the_normalised_mean_of_differences_of_normalised_embeddings() -> None:
    encoder, templates = FakeEncoder(), ["{}", "a drawing of {}", str.upper]
    differences = []
    for start in ("", "a drawing of "):
        one, other = encoder.encode_text([f"{start}logo", f"{start}photo"]).numpy()
        differences.append(one / np.linalg.norm(one) - other / np.linalg.norm(other))
    differences.append((encoder.encode_text(["LOGO"]) - encoder.encode_text(["PHOTO"]))[0].numpy())
    wanted = np.mean(differences, axis=0)
    direction = prompts.text_direction(encoder.encode_text, "photo", "logo", templates)
    np.testing.assert_allclose(direction.numpy(), wanted / np.linalg.norm(wanted), atol=1e-6)


def test_templates_may_be_strings_or_functions_and_prompts_may_hold_braces() -> None:
    assert prompts.fill("a photo of {}.", "{x} logo") == "a photo of {x} logo."
    assert prompts.fill(lambda name: f"the {name}!", "logo") == "the logo!"


@pytest.mark.parametrize("source, target", [("", "logo"), ("photo", " \t"), ("photo", "Photo "), ("", "")])
def test_empty_or_equal_prompts_are_refused(source: str, target: str) -> None:
    with pytest.raises(UsageError, match="prompt"):
        prompts.check_prompts(source, target)


@pytest.mark.parametrize("templates", [[], ["a photo"], [lambda name: "a photo"]])
def test_templates_without_a_place_for_the_prompt_are_refused(templates: list) -> None:
    with pytest.raises(UsageError, match="template"):
        prompts.check_templates(templates)


def test_an_encoder_that_tells_the_prompts_apart_in_nothing_is_refused() -> None:
    def blind(texts: list[str]) -> torch.Tensor:
        return torch.ones(len(texts), 4) / 2

    with pytest.raises(NadaError, match="no difference"):
        prompts.text_direction(blind, "photo", "logo", ["{}"])


def test_official_list_is_clip_s_eighty_less_the_one_that_the_published_code_lacks(open_clip) -> None:
    eighty = list(open_clip.OPENAI_IMAGENET_TEMPLATES)
    official = [prompts.fill(template, "{}") for template in prompts.official(eighty)]
    assert len(eighty) == 80 and len(official) == 79
    assert {prompts.fill(template, "{}") for template in eighty} - set(official) == {"a photo of many {}."}
