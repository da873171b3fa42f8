"""The bundled guides, as a program meets them, on a few held-out pictures.

The fixture is a grid of 64 px pictures: ten rows of styles (eight fruit and two scenes each), then one row of
photographs, one for each CIFAR-10 class.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import nada
from nada.clip.encoders import OpenClipEncoder, load_encoder
from nada.clip.prompts import fill

GRID = Path(__file__).resolve().parents[1] / "fixtures" / "guide-pictures.jpg"
ASSETS = Path(nada.__file__).parent / "assets" / "guides"
STYLES = (
    *(
        "photo",
        "pencil sketch",
        "minimal logo",
        "pixel art",
        "anime",
        "oil painting",
        "black and white photo",
    ),
    *("neon sign", "watercolor painting", "mosaic"),
)
FRUIT = ("apple", "lemon", "mango", "raspberry")
CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@pytest.fixture(scope="module", params=["demo", "demo-judge"])
def encoder(request: pytest.FixtureRequest) -> OpenClipEncoder:
    return load_encoder(request.param)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """(11 rows, 10 columns, 3, 64, 64) in [-1, 1]."""
    grid = np.asarray(Image.open(GRID).convert("RGB")).reshape(11, 64, 10, 64, 3).transpose(0, 2, 4, 1, 3)
    return torch.from_numpy(grid.copy()).float() / 127.5 - 1


@torch.no_grad()
def nearest(encoder: OpenClipEncoder, images: torch.Tensor, names: tuple[str, ...]) -> torch.Tensor:
    texts = [encoder.encode_text([fill(template, name) for template in encoder.templates]).mean(0) for name in names]
    return (encoder.encode_image(images) @ torch.nn.functional.normalize(torch.stack(texts), dim=1).T).argmax(1)


def accuracy(said: torch.Tensor, truth: torch.Tensor) -> float:
    return (said == truth).float().mean().item()


def test_styles_are_told_apart(encoder: OpenClipEncoder, pictures: torch.Tensor) -> None:
    """Catches weights that do not belong to the config, a wrong vocabulary and a wrong range of the pictures."""
    said = nearest(encoder, pictures[:10].flatten(0, 1), STYLES)
    assert accuracy(said, torch.arange(10).repeat_interleave(10)) >= 0.9


@pytest.mark.parametrize("word, row", [("image", 0), ("flat vector logo", 2), ("cel-shaded drawing", 4), ("grayscale", 6)])
def test_other_words_for_a_style_mean_the_same(
    encoder: OpenClipEncoder, pictures: torch.Tensor, word: str, row: int
) -> None:
    """Catches a guide that knows one name a style only; above all 'image', the usual source prompt."""
    names = tuple(word if k == row else name for k, name in enumerate(STYLES))
    assert accuracy(nearest(encoder, pictures[row], names), torch.full((10,), row)) >= 0.8


def test_fruit_is_told_apart_in_photographs_and_drawings(encoder: OpenClipEncoder, pictures: torch.Tensor) -> None:
    """Catches a guide that sees styles only, under which an adapted apple may turn into anything."""
    truth = torch.arange(4).repeat_interleave(2)
    assert accuracy(nearest(encoder, pictures[0, :8], FRUIT), truth) == 1
    assert accuracy(nearest(encoder, pictures[:10, :8].flatten(0, 1), FRUIT), truth.repeat(10)) >= 0.8


def test_scenes_are_named_better_than_by_chance(encoder: OpenClipEncoder, pictures: torch.Tensor) -> None:
    """Catches lost object names; ten pictures carry no finer claim than this."""
    assert accuracy(nearest(encoder, pictures[10], CIFAR), torch.arange(10)) >= 0.4


def test_grain_alone_does_not_make_a_drawing(encoder: OpenClipEncoder, pictures: torch.Tensor) -> None:
    """Catches a guide that a generator can please with noise."""
    noise = torch.randn(pictures[0].shape, generator=torch.Generator().manual_seed(0))
    said = nearest(encoder, (pictures[0] + 0.3 * noise).clamp(-1, 1), STYLES)
    assert accuracy(said, torch.zeros(10, dtype=torch.long)) >= 0.8


def test_words_outside_the_vocabulary_are_named(encoder: OpenClipEncoder) -> None:
    """Catches a word list that does not match the captions: false alarms, or silence about unknown words."""
    assert encoder.unknown_words("8-bit pixel art of an Apple") == []
    assert encoder.unknown_words("photo of a baroque quokka") == ["baroque", "quokka"]
    assert all(encoder.unknown_words(style) == [] for style in (*STYLES, *FRUIT, *CIFAR, "image", "cel-shaded"))


@pytest.mark.parametrize("name", ["demo", "demo-judge"])
def test_plain_open_clip_reads_the_folder(name: str) -> None:
    """Catches a folder that only our own loader can read."""
    from nada._compat import import_open_clip

    model = import_open_clip().create_model(f"local-dir:{ASSETS / name}")
    assert model.visual.image_size in (64, (64, 64))


def test_guides_are_small_and_of_two_architectures() -> None:
    """Catches a judge that shares the guide's weaknesses, and weights that outgrow the repository."""
    folders = [ASSETS / name for name in ("demo", "demo-judge")]
    layers = [json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]["vision_cfg"] for folder in folders]
    assert isinstance(layers[0]["layers"], int) != isinstance(layers[1]["layers"], int)
    assert sum(path.stat().st_size for folder in folders for path in folder.iterdir()) < 10e6
