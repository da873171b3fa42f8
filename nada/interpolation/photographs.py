"""Photographs as key frames: found in a generator by inversion, or read from what `nada invert` found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from nada.errors import UsageError
from nada.interpolation.keys import NoiseMaps, StyleKeys
from nada.inversion import Inversion, StepReport, invert, load_inversion, read_photo
from nada.models import Generator


def photograph_keys(generator: Generator, paths: Sequence[str], steps: int) -> StyleKeys:
    """Return key frames of photographs, all found at once, with their noise; a bar shows how far that is.

    Args:
        paths: pictures, also inside of data as `photos.zip:apple/0001.jpg`, or the folders or `inversion.safetensors` of
            `nada invert`, which are taken as they are.
        steps: of the search.

    Raises:
        UsageError: for inversions of another kind of generator.
        NadaError: for files that cannot be read.
    """
    stored = {path: load_inversion(path) for path in paths if _is_inversion(path)}
    for path, inversion in stored.items():
        if inversion.w.shape[1:] != (generator.num_ws, generator.config.w_dim) or len(inversion.w) != 1:
            raise UsageError(f"{path} is not the inversion of one photograph into a generator of this kind.")
    photos = [path for path in dict.fromkeys(paths) if path not in stored]
    found = dict(zip(photos, _search(generator, photos, steps), strict=True)) if photos else {}
    styles, noise = zip(*(_kept(generator, stored[path]) if path in stored else found[path] for path in paths))
    device = generator.b4.const.device
    maps = {name: torch.cat([each[name] for each in noise]).to(device) for name in noise[0]}
    return StyleKeys(torch.cat(styles).to(device), [Path(path).stem for path in paths], maps)


def _is_inversion(path: str) -> bool:
    return Path(path).is_dir() or Path(path).suffix == ".safetensors"


def _search(generator: Generator, paths: Sequence[str], steps: int) -> list[tuple[Tensor, NoiseMaps]]:
    """Styles and noise maps of each photograph."""
    pictures = torch.cat([read_photo(path, generator.config.resolution) for path in paths])
    with tqdm(total=steps, desc="inverting", unit="step", leave=False, disable=None) as bar:

        def show(report: StepReport) -> None:
            bar.update()

        inversion = invert(generator, pictures, steps=steps, on_step=show)
    return [_kept(generator, inversion.one(row)) for row in range(len(inversion.w))]


def _kept(generator: Generator, inversion: Inversion) -> tuple[Tensor, NoiseMaps]:
    """Styles `(1, num_ws, w_dim)` and noise maps; the generator's stored ones where an inversion has none of its own."""
    stored = {
        f"{block}.{name}": layer.noise_const[None, None]
        for block in generator.block_names
        for name, layer in getattr(generator, block).layers.items()
    }
    noise = inversion.noise or stored
    return inversion.w.detach().cpu(), {name: maps.detach().cpu() for name, maps in noise.items()}
