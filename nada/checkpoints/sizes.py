"""From named tensors to a network: every size is read from a shape, and every shape held against it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from nada.checkpoints.problems import BadFile
from nada.checkpoints.stored import StoredTensor
from nada.errors import NadaError
from nada.models import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig, latents_from_seeds

Values = Mapping[str, "Tensor | StoredTensor"]
Network = Generator | Discriminator

MAX_RESOLUTION = 4096
AVERAGE_COUNT = 10_000  # how many latents the published code averages


def shapes_of(values: Values) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor by name; stored ones are checked first. Raises BadFile."""
    used: Counter[tuple[int, int]] = Counter()
    for value in values.values():
        if isinstance(value, StoredTensor):
            value.check()
            storage = value.storage
            place = (id(storage.raw), storage.start)
            used[place] += value.count
            if used[place] > storage.count:  # else a small file could ask for any amount of memory
                raise BadFile("uses the same data for several tensors, which no generator does")
    return {name: tuple(value.shape) for name, value in values.items()}


def _size(shapes: Mapping[str, Any], name: str, axis: int) -> int:
    shape = shapes.get(name, ())
    if not -len(shape) <= axis < len(shape) or not shape[axis]:
        raise BadFile(f"is no complete StyleGAN2 network: {name} is missing or has the wrong form")
    return shape[axis]


def count_of(shapes: Mapping[str, Any], pattern: str) -> int:
    """Return how many numbers n there are, from 0 on without a gap, such that `pattern % n` is a name."""
    count = 0
    while pattern % count in shapes:
        count += 1
    return count


def block_sizes_of(shapes: Mapping[str, Any]) -> list[int]:
    """Return 4, 8, … as the names `b4.…`, `b8.…` give them. Raises BadFile if one is missing."""
    sizes = sorted({int(match[1]) for name in shapes if (match := re.match(r"b(\d{1,6})\.", name))})
    if not sizes or sizes != [4 << index for index in range(len(sizes))] or sizes[-1] > MAX_RESOLUTION:
        raise BadFile(f"is no complete StyleGAN2 network: its blocks are {sizes[:12]}, not 4, 8, 16 … without a gap")
    return sizes


def _checked(cls: type, **values: Any) -> Any:
    try:
        return cls(**values)
    except NadaError as error:
        raise BadFile(f"describes an impossible network ({str(error).rstrip('.')})") from error


def generator_sizes(shapes: Mapping[str, Any], **settings: Any) -> GeneratorConfig:
    """Read the configuration from the shapes of our names; `settings` adds what shapes cannot tell."""
    blocks = block_sizes_of(shapes)
    w_dim = _size(shapes, "b4.conv1.affine.weight", 1)
    conditions = _size(shapes, "mapping.embed.weight", 1) if "mapping.embed.weight" in shapes else 0
    of_text = "mapping.prompt_embeddings" in shapes
    inputs = _size(shapes, "mapping.fc0.weight", 1)
    z_dim = inputs - w_dim if conditions else inputs
    if z_dim < 1:
        raise BadFile("is no complete StyleGAN2 network: its mapping takes no latent")
    return _checked(
        GeneratorConfig,
        resolution=blocks[-1],
        channels=tuple(_size(shapes, f"b{size}.conv1.weight", 0) for size in blocks),
        z_dim=z_dim,
        w_dim=w_dim,
        mapping_layers=count_of(shapes, "mapping.fc%d.weight"),
        num_classes=0 if of_text else conditions,
        text_dim=conditions if of_text else 0,
        image_channels=_size(shapes, "b4.torgb.weight", 0),
        **settings,
    )


def _architecture(shapes: Mapping[str, Any], blocks: list[int]) -> str:
    if len(blocks) > 1 and f"b{blocks[-1]}.skip.weight" in shapes:
        return "resnet"
    return "skip" if len(blocks) > 1 and "b4.fromrgb.weight" in shapes else "orig"


def discriminator_sizes(shapes: Mapping[str, Any], **settings: Any) -> DiscriminatorConfig:
    """Like `generator_sizes`, for a discriminator."""
    blocks = block_sizes_of(shapes)
    widths = [_size(shapes, f"b{size}.conv0.weight", 1) for size in blocks[1:]]
    width = _size(shapes, "b4.conv.weight", 0)
    conditional = "mapping.embed.weight" in shapes
    return _checked(
        DiscriminatorConfig,
        resolution=blocks[-1],
        channels=(width, *widths),
        num_classes=_size(shapes, "mapping.embed.weight", 1) if conditional else 0,
        image_channels=_size(shapes, f"b{blocks[-1]}.fromrgb.weight", 1),
        architecture=_architecture(shapes, blocks),
        mbstd_channels=_size(shapes, "b4.conv.weight", 1) - width,
        cmap_dim=_size(shapes, "b4.out.weight", 0) if conditional else None,
        mapping_layers=count_of(shapes, "mapping.fc%d.weight") if conditional else 8,
        **settings,
    )


def check_shapes(build: Callable[[Any], Network], config: Any, shapes: Mapping[str, Any]) -> None:
    """Raise BadFile unless `shapes` are exactly those of the network that `config` describes.

    The comparison runs on torch's meta device, so that a lying file costs no memory.
    """
    with torch.device("meta"):
        expected = {name: tuple(value.shape) for name, value in build(config).state_dict().items()}
    for name, shape in expected.items():
        if name not in shapes:
            raise BadFile(f"is no complete StyleGAN2 network: {name} is missing")
        if tuple(shapes[name]) != shape:
            raise BadFile(f"does not fit together: {name} is {list(shapes[name])}, the rest asks for {list(shape)}")
    if extra := sorted(set(shapes) - set(expected)):
        raise BadFile(f"holds {extra[0]}, which a StyleGAN2 network of this kind does not have")


def load_values(values: Values) -> dict[str, Tensor]:
    """Copy all tensors as float32. Raises BadFile for other kinds of numbers, and for NaN and infinity."""
    result = {}
    for name, value in values.items():
        tensor = value.load() if isinstance(value, StoredTensor) else value
        if not tensor.is_floating_point():
            raise BadFile(f"holds whole numbers where weights belong ({name} is {tensor.dtype})")
        tensor = tensor.float()
        if tensor.numel() and not all(torch.isfinite(bound) for bound in tensor.aminmax()):
            raise BadFile(f"holds NaN or infinity in {name}; its training has failed, take an earlier checkpoint")
        result[name] = tensor
    return result


def build_network(build: Callable[[Any], Network], config: Any, values: Values) -> Network:
    """Make the network and fill it: eval mode, on the CPU, no gradients wanted. Raises BadFile."""
    shapes = shapes_of(values)
    check_shapes(build, config, shapes)
    network = build(config)
    network.load_state_dict(load_values(values))
    return network.eval().requires_grad_(False)


def build_generator(config: GeneratorConfig, values: Values) -> Generator:
    """Like `build_network`; a file without the mean style gets it computed (see `mean_style`)."""
    missing = "mapping.w_avg" not in values
    if missing:
        if config.text_dim and not config.prompts:
            raise BadFile("has no mean style, and no known prompts to compute one from")
        values = {**values, "mapping.w_avg": torch.zeros(config.w_dim)}
    generator = build_network(Generator, config, values)
    if missing:
        generator.mapping.w_avg.copy_(mean_style(generator))
    return generator


@torch.no_grad()
def mean_style(generator: Generator, count: int = AVERAGE_COUNT) -> Tensor:
    """Return the mean `(w_dim,)` of w over `count` fixed latents, the classes or known prompts in turn."""
    z = latents_from_seeds([0], count * generator.config.z_dim).reshape(count, -1)
    labels = generator.labels_of(range(count))
    total = torch.zeros(generator.config.w_dim, dtype=torch.float64)
    for start in range(0, count, 1000):
        part = None if labels is None else labels[start : start + 1000]
        rows = z[start : start + 1000]
        total += generator.mapping(rows, generator.condition_rows(part, len(rows))).double().sum(dim=0)
    return (total / count).float()
