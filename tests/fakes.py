"""Small networks for tests: real classes, tiny sizes."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from nada.models import Generator, GeneratorConfig


def tiny_generator(
    resolution: int = 16, classes: int = 0, seed: int = 0, width: int = 8, prompts: tuple[str, ...] = ()
) -> Generator:
    """Return a generator of a few thousand random weights whose noise, biases and average are not at their zeros.

    With `prompts` it is conditioned on text, whose embeddings are random rows of 6 numbers and unit length.
    """
    blocks = resolution.bit_length() - 2
    names = tuple(f"class{index}" for index in range(classes))
    text = {"text_dim": 6, "text_guide": "fake", "prompts": prompts} if prompts else {}
    config = GeneratorConfig(resolution, (width,) * blocks, 8, 8, 2, classes, names, **text)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator = Generator(config)
        for name, parameter in generator.named_parameters():
            if name.endswith(("noise_strength", "bias")):
                parameter.data += 0.1 * torch.randn(parameter.shape)
        generator.mapping.w_avg.normal_(std=0.1)
        if prompts:
            generator.mapping.prompt_embeddings.copy_(normalize(torch.randn(len(prompts), 6)))
    return generator.eval()
