"""A sheet of the same latents by several generators."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nada.config.mix import MixConfig
from nada.errors import UsageError
from nada.generation import draw_pictures, parse_seeds
from nada.images import label_rows
from nada.models import Generator, GeneratorConfig
from nada.models.conditions import class_number

PREVIEW = "preview.png"
MOST = 100  # pictures in a row
TRUNCATION = 0.7  # without conditions; with some, the mean style is a mixture of them, so none is taken


@dataclass(frozen=True)
class PreviewSettings:
    """Which latents are drawn: seeds, the number of each one's class or None, psi."""

    seeds: tuple[int, ...]
    classes: tuple[int, ...] | None
    truncation: float


def preview_settings(config: MixConfig, network: GeneratorConfig) -> PreviewSettings:
    """Return what `config` asks for on this network. Raises UsageError for seeds and classes that there are not."""
    seeds = parse_seeds(config.seeds)
    if len(seeds) > MOST:
        raise UsageError(f"A preview shows {MOST} latents at most, not the {len(seeds)} of --seeds {config.seeds}.")
    if config.truncation is not None and not math.isfinite(config.truncation):
        raise UsageError(f"--truncation is a finite number such as 0.7, not {config.truncation}.")
    chosen = [class_number(network, name) for name in config.classes]
    classes = tuple(chosen[index % len(chosen)] for index in range(len(seeds))) if chosen else None
    psi = config.truncation if config.truncation is not None else (1.0 if network.condition_dim else TRUNCATION)
    return PreviewSettings(tuple(seeds), classes, psi)


def draw_preview(rows: Iterable[tuple[str, Generator]], look: PreviewSettings, device: Any = "cpu") -> np.ndarray:
    """Return one picture uint8 `(H, W, 3)`: a row of the same latents for every generator, under its name.

    The row of the last generator is at the top; generators are moved to `device`.
    """
    labels, drawn = [], []
    for label, generator in rows:
        generator.to(device)
        own = generator.labels_of(look.seeds, look.classes)
        labels.append(label)
        drawn.append(draw_pictures(generator, look.seeds, own, look.truncation))
    return label_rows(drawn[::-1], labels[::-1])
