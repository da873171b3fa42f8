"""Prompts, the templates they are put into, and the direction from one prompt to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nada.clip.losses import unit
from nada.errors import NadaError, UsageError

Template = str | Callable[[str], str]

# The published code's copy of CLIP's eighty ImageNet templates lacks this one.
MISSING_IN_OFFICIAL = "a photo of many {}."


def fill(template: Template, prompt: str) -> str:
    """The sentence that `template` makes of `prompt`; a string template holds `{}` where the prompt goes."""
    return template(prompt) if callable(template) else template.replace("{}", prompt)


def official(templates: Sequence[Template]) -> list[Template]:
    """`templates` without the one that the published code lacks: 79 of CLIP's 80."""
    return [template for template in templates if fill(template, "{}") != MISSING_IN_OFFICIAL]


def check_templates(templates: Sequence[Template]) -> list[Template]:
    """Return `templates` as a list. Raises UsageError if there is none or one has no place for a prompt."""
    if not templates:
        raise UsageError("There are no prompt templates; give at least one, such as 'a photo of a {}'.")
    for template in templates:
        if "{}" not in fill(template, "{}"):
            raise UsageError(f"The prompt template {template!r} has no {{}}; put {{}} where the prompt goes.")
    return list(templates)


def check_prompts(source: str, target: str) -> tuple[str, str]:
    """Return both prompts with blanks squeezed. Raises UsageError if one is empty or both are the same."""
    prompts = []
    for role, prompt in (("source", source), ("target", target)):
        prompts.append(" ".join(prompt.split()))
        if not prompts[-1]:
            raise UsageError(f"The {role} prompt is empty; say in a few words what the {role} pictures are.")
    if prompts[0].casefold() == prompts[1].casefold():
        raise UsageError(
            f"Source and target prompt are both '{prompts[0]}', so there is no direction between them; "
            "change one of the two."
        )
    return prompts[0], prompts[1]


@torch.no_grad()
def text_direction(
    encode_text: Callable[[list[str]], Tensor], source: str, target: str, templates: Sequence[Template]
) -> Tensor:
    """norm(mean over templates of E(target) - E(source)), shape (D,); `encode_text` returns unit rows (N, D).

    Each template's embedding is normalised before the difference, as in the published code.
    Raises NadaError if the encoder cannot tell the two prompts apart.
    """
    sentences = [fill(template, prompt) for prompt in (target, source) for template in templates]
    towards, away = encode_text(sentences).chunk(2)
    difference = (towards - away).mean(dim=0)
    if not torch.linalg.vector_norm(difference) > 1e-6:
        raise NadaError(f"A guide sees no difference between '{source}' and '{target}'; use other words or guides.")
    return unit(difference)
