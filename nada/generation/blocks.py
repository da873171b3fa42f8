"""From seeds to pictures, computed so that how many are made at once changes no byte of any.

Libraries multiply matrices of different heights in different orders, which moves a colour by one level here and there.
So everything is computed in blocks of one height, which depends on the generator alone; the last block is filled up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from nada.errors import UsageError
from nada.images import to_uint8
from nada.models import Generator, latents_from_seeds
from nada.models.generator import NOISE_MODES

MOST_ROWS = 16
_PIXELS = 1024  # rows times side: one picture of 1024 px at a time, two of 512 px, and so on


def block_rows(generator: Generator) -> int:
    """How many pictures are computed at once, whatever is asked for."""
    return max(1, min(MOST_ROWS, _PIXELS // generator.config.resolution))


def _blocks(count: int, rows: int) -> Iterator[slice]:
    return (slice(start, min(start + rows, count)) for start in range(0, count, rows))


def _filled(values: Tensor, rows: int) -> Tensor:
    """`values` with its last row repeated until there are `rows`."""
    missing = rows - len(values)
    return torch.cat([values, values[-1:].expand(missing, *values.shape[1:])]) if missing else values.contiguous()


def styles_of(
    generator: Generator,
    seeds: Sequence[int],
    labels: Tensor | None = None,
    truncation: float = 1.0,
    truncation_cutoff: int | None = None,
    truncation_centre: str = "global",
) -> Tensor:
    """Return styles `(len(seeds), num_ws, w_dim)` on the generator's device; arguments as of `Generator.map_latents`.

    Raises UsageError if the generator is conditional and there are no `labels`, numbers `(N,)` or rows `(N, D)`.
    """
    z = latents_from_seeds(seeds, generator.config.z_dim)
    return styles_of_latents(generator, z, labels, truncation, truncation_cutoff, truncation_centre)


@torch.no_grad()
def styles_of_latents(
    generator: Generator,
    latents: Tensor,
    labels: Tensor | None = None,
    truncation: float = 1.0,
    truncation_cutoff: int | None = None,
    truncation_centre: str = "global",
) -> Tensor:
    """Like `styles_of`, from latents `(N, z_dim)` instead of seeds."""
    device, rows = generator.b4.const.device, block_rows(generator)
    styles = [torch.zeros(0, generator.num_ws, generator.config.w_dim, device=device)]
    for part in _blocks(len(latents), rows):
        z = _filled(latents[part], rows).to(device)
        own = None if labels is None else _filled(labels[part], rows).to(device)
        w = generator.map_latents(z, own, truncation, truncation_cutoff, truncation_centre)
        styles.append(w[: part.stop - part.start])
    return torch.cat(styles)


@torch.no_grad()
def pictures_of(
    generator: Generator, styles: Tensor, noise: str = "const", seeds: Sequence[int] | None = None
) -> np.ndarray:
    """Return uint8 pictures `(N, H, W, 3)` of styles `(N, num_ws, w_dim)`.

    Args:
        noise: "const" for the stored maps, "none", or "random": then each picture's is drawn from its own seed.
        seeds: one for each picture, where the noise is random.

    Raises UsageError for another kind of noise.
    """
    if noise not in NOISE_MODES:
        raise UsageError(f"Noise is one of {', '.join(NOISE_MODES)}, not {noise!r}.")
    rows, side = block_rows(generator), generator.config.resolution
    pictures = [np.zeros((0, side, side, 3), np.uint8)]
    for part in _blocks(len(styles), rows):
        maps = noise_maps(generator, seeds[part], rows) if noise == "random" and seeds is not None else noise
        images = generator.synthesize(_filled(styles[part], rows), maps)
        pictures.append(to_uint8(images[: part.stop - part.start]))
    return np.concatenate(pictures)


def noise_maps(generator: Generator, seeds: Sequence[int], rows: int) -> dict[str, Tensor]:
    """Random noise `(rows, 1, h, h)` for every convolution, each picture's from its own seed; the last is repeated."""
    each = [generator.make_noise(1, torch.Generator().manual_seed(seed)) for seed in seeds]
    return {name: _filled(torch.cat([maps[name] for maps in each]), rows) for name in each[0]}


def draw_pictures(
    generator: Generator, seeds: Sequence[int], labels: Tensor | None = None, truncation: float = 1.0
) -> np.ndarray:
    """Return uint8 pictures `(len(seeds), H, W, 3)` with the stored noise; `labels` as of `styles_of`."""
    return pictures_of(generator, styles_of(generator, seeds, labels, truncation))
