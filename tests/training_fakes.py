"""Networks, pictures and settings for trainings of a few steps in memory."""

from __future__ import annotations

import io

import numpy as np
import torch

from nada.data import ImageDataset
from nada.models import DiscriminatorConfig, GeneratorConfig
from nada.training import Recipe, TrainingState, create_state

RECIPE = Recipe(batch=4, ema_kimg=0.1, r1_interval=2, mixing=0.5, ada_kimg=0.05, seed=3)


def make_data(classes: int = 2, count: int = 11) -> ImageDataset:
    """Pictures of noise, their classes in turn."""
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    names = tuple("abcd"[:classes])
    return ImageDataset(images, np.arange(count) % classes if classes else None, names)


def make_state(classes: int = 2) -> TrainingState:
    """Networks for 8 px, the same ones at every call."""
    names = tuple("abcd"[:classes])
    generator = GeneratorConfig(8, (6, 5), 4, 6, 2, classes, names)
    return create_state(generator, DiscriminatorConfig(8, (6, 4), classes, mapping_layers=1), 0.01, 1, torch.device("cpu"))


def content(state: TrainingState) -> dict[str, bytes | str]:
    """The bytes of every tensor, and every other value, by the path to it."""
    found: dict[str, bytes | str] = {}

    def collect(path: str, value: object) -> None:
        if isinstance(value, torch.Tensor):
            found[path] = value.detach().numpy().tobytes()
        elif isinstance(value, dict):
            for key, one in value.items():
                collect(f"{path}/{key}", one)
        else:
            found[path] = repr(value)

    collect("", state.state_dict())
    return found


def saved_and_loaded(state: TrainingState) -> TrainingState:
    """What a state is after a way through a file."""
    buffer = io.BytesIO()
    torch.save(state.state_dict(), buffer)
    buffer.seek(0)
    loaded = make_state()
    loaded.load_state_dict(torch.load(buffer, weights_only=True))
    return loaded
