"""Photographs whose generators were tuned, on a walk: each is met as its own tuned generator shows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from domain_makers import adapted_run, save_base
from PIL import Image
from torch import Tensor

from nada.checkpoints import load_generator
from nada.config.interpolate import InterpolateConfig
from nada.domains import blend, read_domain
from nada.errors import NadaError
from nada.images import to_uint8
from nada.interpolation import run_interpolation
from nada.interpolation.paths import lerp, slerp
from nada.inversion import Inversion, save_inversion
from nada.models import Generator, latents_from_seeds

MOVED = "b16.conv1.weight", "b8.conv1.bias"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save_base(tmp_path / "base")


def tuned(folder: Path, base: Path, seed: int) -> tuple[Path, Tensor, dict[str, Tensor]]:
    """What `nada invert --tune` keeps of a photograph: a latent, noise of its own, and the tensors that were moved."""
    generator = load_generator(base)
    adapted_run(folder, base, *MOVED, seed=seed)
    w = generator.map_latents(latents_from_seeds([seed], 8))
    noise = generator.make_noise(1, torch.Generator().manual_seed(seed))
    save_inversion(folder / "inversion.safetensors", Inversion(w, noise, torch.zeros(1, 3, 16, 16), [[0.0]], None, "w+"))
    return folder, w, noise


def film(out: Path, **options: object) -> list[np.ndarray]:
    folder = run_interpolation(InterpolateConfig(**{"device": "cpu", "out": str(out), **options}), say=lambda line: None)
    return [np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]


def shown(generator: Generator, w: Tensor, noise: dict[str, Tensor]) -> np.ndarray:
    with torch.no_grad():
        return to_uint8(generator.synthesize(w, noise))[0]


def test_both_ends_are_what_their_tuned_generators_show(base: Path, tmp_path: Path) -> None:
    """Catches a walk in the generator as it was before it was tuned, and one that jumps from one tuning to the other."""
    one, two = tuned(tmp_path / "one", base, 1), tuned(tmp_path / "two", base, 2)
    paths = {"from_picture": str(one[0]), "to_picture": (str(two[0] / "inversion.safetensors"),)}
    frames = film(tmp_path / "film", model=str(base), frames=5, **paths)
    for frame, (folder, w, noise) in ((frames[0], one), (frames[-1], two)):
        assert np.array_equal(frame, shown(load_generator(folder), w, noise))
        assert not np.array_equal(frame, shown(load_generator(base), w, noise))
    middle = blend(load_generator(base), [(read_domain(folder), 0.5) for folder, _, _ in (one, two)])
    noise = {name: slerp(one[2][name], two[2][name], 0.5) for name in one[2]}
    assert np.abs(frames[2].astype(int) - shown(middle, lerp(one[1], two[1], 0.5), noise)).max() <= 1


def test_adaptations_come_on_top_of_a_tuning(base: Path, tmp_path: Path) -> None:
    one, two = tuned(tmp_path / "one", base, 1), tuned(tmp_path / "two", base, 2)
    run = adapted_run(tmp_path / "run", base, "b16.conv0.weight", seed=5)
    pictures = {"from_picture": str(one[0]), "to_picture": (str(two[0]),)}
    walked = film(tmp_path / "walked", model=str(run), compare=True, frames=2, **pictures)
    changed = film(tmp_path / "changed", model=str(run), from_strength=0.0, frames=2, columns=2, **pictures)
    for number, (folder, w, noise) in enumerate((one, two)):
        both = blend(load_generator(base), [(read_domain(folder), 1.0), (read_domain(run), 1.0)])
        before, after = shown(load_generator(folder), w, noise), shown(both, w, noise)
        assert np.array_equal(walked[number][:16], before) and np.array_equal(walked[number][20:], after)
        tile = slice(20 * number, 20 * number + 16)
        assert np.array_equal(changed[0][:, tile], before) and np.array_equal(changed[1][:, tile], after)


def test_a_tuned_generator_that_is_asked_for_shows_all_photographs(base: Path, tmp_path: Path) -> None:
    """Catches a tuning that is added twice, as model and as the photograph's own."""
    one, two = tuned(tmp_path / "one", base, 1), tuned(tmp_path / "two", base, 2)
    frames = film(tmp_path / "film", model=str(one[0]), from_picture=str(one[0]), to_picture=(str(two[0]),), frames=2)
    for frame, (_, w, noise) in zip(frames, (one, two), strict=True):
        assert np.array_equal(frame, shown(load_generator(one[0]), w, noise))


def test_a_tuning_of_another_generator_is_refused(base: Path, tmp_path: Path) -> None:
    other = save_base(tmp_path / "other", seed=9)
    one = tuned(tmp_path / "one", base, 1)
    with pytest.raises(NadaError, match="made from another generator"):
        film(tmp_path / "film", model=str(other), from_picture=str(one[0]), to_picture=(str(one[0]),))
