"""The networks that are timed: generators and a guide of the published sizes with random weights, made here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nada._compat import import_open_clip
from nada.clip import Guide
from nada.clip.encoders import OpenClipEncoder
from nada.clip.loading import LoadedModel, load_model
from nada.clip.prompts import text_direction
from nada.clip.specs import parse_spec
from nada.data import ImageDataset
from nada.models import Compute, DiscriminatorConfig, Generator, GeneratorConfig, default_channels
from nada.training import Recipe, TrainingState, create_state

SOURCE, TARGET = "photo", "pencil sketch"
# One template instead of eighty: the direction is found before the clock starts, and any will do.
TEMPLATES = ["a picture of {}."]


def network(size: int, quick: bool = False) -> GeneratorConfig:
    """Return the published sizes: channel base 16384 up to 256 px and 32768 above; `quick` gives a tiny network."""
    if quick:
        return GeneratorConfig(size, default_channels(size, 256, 16), 32, 32, 2)
    return GeneratorConfig(size, default_channels(size, 16384 if size <= 256 else 32768))


def build_generator(config: GeneratorConfig, device: str = "cpu") -> Generator:
    """Return a generator with the same random weights in every process, and noise that is not switched off."""
    torch.manual_seed(0)
    generator = Generator(config)
    for name, parameter in generator.named_parameters():
        if name.endswith("noise_strength"):
            parameter.data.fill_(0.1)
    return generator.eval().to(device)


class PlainRecipe(Recipe):
    """A recipe whose networks compute as torch does by default: float32, the pixels of a channel together."""

    @property
    def compute(self) -> Compute:
        """As torch has it."""
        return Compute()


def training(
    batch: int, precision: str, quick: bool, device: str, plain: bool = False
) -> tuple[TrainingState, ImageDataset, Recipe]:
    """Return the training of `demo-cifar10` (experiments/demo/train_cifar10.sh) at its start, on random pictures."""
    rng = np.random.default_rng(0)
    names = tuple(f"class {number}" for number in range(10))
    pictures = rng.integers(0, 256, (500, 32, 32, 3), dtype=np.uint8)
    data = ImageDataset(pictures, np.arange(500) % 10, names)
    widths = (8, 8, 8, 8) if quick else (96, 96, 96, 64)
    generator = GeneratorConfig(32, widths, 128, 128, 2, 10, names)
    discriminator = DiscriminatorConfig(32, widths, 10, mapping_layers=2)
    kinds = ("flip", "shift", "scale", "colour")
    recipe = (PlainRecipe if plain else Recipe)(batch=batch, augment="diff", augment_kinds=kinds, dtype=precision)
    state = create_state(generator, discriminator, recipe.lr, 0, torch.device(device))
    if plain:
        for network in (state.generator, state.discriminator):
            network.to(memory_format=torch.contiguous_format)
    return state, data, recipe


def load_guide_model(quick: bool = False) -> LoadedModel:
    """Return ViT-B/32 as OpenAI's weights need it, with random weights; `quick` takes the small bundled guide."""
    if quick:
        return load_model(parse_spec("demo"))
    open_clip = import_open_clip()
    torch.manual_seed(1)
    model = open_clip.create_model("ViT-B-32", load_weights=False, pretrained_text=False, force_quick_gelu=True)
    model = model.float().eval().requires_grad_(False)
    return LoadedModel(model, open_clip.get_tokenizer("ViT-B-32"), Path("random"), True)


def build_guide(loaded: LoadedModel, quick: bool = False, device: str = "cpu") -> Guide:
    """Return a guide of ours over the model, without random views of the pictures."""
    encoder = OpenClipEncoder(parse_spec("demo" if quick else "ViT-B-32/openai"), loaded, device)
    return Guide([encoder], SOURCE, TARGET, templates=TEMPLATES)


def plain_encoder(loaded: LoadedModel, device: str = "cpu") -> Callable[[Tensor], Tensor]:
    """Return the picture side of the model, written out: resize, mean and deviation, network, unit length."""
    preprocess = loaded.model.visual.preprocess_cfg
    model = loaded.model.to(device)
    mean, std = (torch.tensor(preprocess[key], device=device).view(1, 3, 1, 1) for key in ("mean", "std"))
    size = preprocess["size"]
    side = size if isinstance(size, int) else size[0]

    def encode(images: Tensor) -> Tensor:
        images = (images + 1) / 2
        if images.shape[-1] != side:
            images = functional.interpolate(images, (side, side), mode="bicubic", antialias=True)
        return functional.normalize(model.encode_image((images - mean) / std), dim=1)

    return encode


def direction_of(loaded: LoadedModel, device: str = "cpu") -> Tensor:
    """Return the text direction `(D,)` of the prompts that every variant gets."""
    model = loaded.model.to(device)

    def encode(texts: list[str]) -> Tensor:
        return functional.normalize(model.encode_text(loaded.tokenize(texts).to(device)), dim=1)

    with torch.no_grad():
        return text_direction(encode, SOURCE, TARGET, TEMPLATES)
