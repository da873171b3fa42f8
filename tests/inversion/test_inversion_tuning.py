"""Pivotal tuning, and the way of a photograph through adaptations."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from inversion_fakes import QUICK, Coarse, close, drifted, noisy_generator, pictures_of

from nada.checkpoints import hash_generator, save_adaptation, save_generator
from nada.errors import NadaError, UsageError
from nada.inversion import Inversion, Tuning, invert, tune
from nada.inversion.through import load_routes, picture_of
from nada.models import Generator, with_weights


def pivot(generator: Generator, target: torch.Tensor) -> Inversion:
    return invert(generator, target, perception=Coarse(), **QUICK)


def strange_picture() -> torch.Tensor:
    """Nothing that the generator can show."""
    return torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)).mul(0.5).clamp(-1, 1)


def test_tuning_brings_the_picture_nearer_and_leaves_the_generator_alone() -> None:
    """Fails where the given generator moves, the inversion's noise is not used, or what shall stay does not."""
    generator, target = noisy_generator(2), strange_picture()
    inversion = pivot(generator, target)
    before = hash_generator(generator)
    losses: list[float] = []
    tensors = tune(
        generator, inversion.w, target, Coarse(), Tuning(30), noise=inversion.noise, label=1,
        on_step=lambda step, loss: losses.append(loss),
    )  # fmt: skip
    assert hash_generator(generator) == before and len(losses) == 30
    assert not any(name.startswith("mapping") or name.endswith("noise_strength") for name in tensors)
    assert {"b4.const", "b16.torgb.weight", "b8.conv0.affine.bias"} <= tensors.keys()
    errors = [
        float((picture_of(one, inversion) - target).square().mean()) for one in (generator, with_weights(generator, tensors))
    ]
    assert errors[1] < 0.6 * errors[0]


def test_locality_keeps_other_pictures_as_they_were() -> None:
    """Fails where the regulariser has no weight, or compares with the tuned generator instead of the one before."""
    generator, target = noisy_generator(), strange_picture()
    inversion = pivot(generator, target)
    drifts = []
    for locality in (0.0, 10.0):
        tensors = tune(generator, inversion.w, target, Coarse(), Tuning(40, locality=locality), noise=inversion.noise)
        drifts.append(drifted(generator, with_weights(generator, tensors)))
    assert drifts[1] < 0.7 * drifts[0]


def test_tuning_is_the_same_every_time_and_says_when_it_fails() -> None:
    generator, target = noisy_generator(2), strange_picture()
    w = generator.map_latents(torch.zeros(1, 8), torch.tensor([0])).detach()
    first, again = (tune(generator, w, target, Coarse(), Tuning(3)) for _ in range(2))
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    with pytest.raises(NadaError, match="no number in step 2"):
        tune(generator, w, target, Coarse(), Tuning(9, lr=1e30))
    with pytest.raises(UsageError):
        Tuning(0)
    assert Tuning().rate(generator.config) == pytest.approx(3e-4 * 512 / 8)


def adaptation(folder: Path, generator: Generator, base: Path, factor: float, **metadata: str) -> str:
    moved = {name: factor * value for name, value in generator.state_dict().items() if name.startswith("b16.torgb")}
    facts = {"base": str(base), "base_sha256": hash_generator(generator), **metadata}
    return str(save_adaptation(folder / f"{factor}.safetensors", moved, facts))


def test_a_photograph_goes_through_an_adaptation_and_keeps_its_tuning(tmp_path: Path) -> None:
    """Fails where the adapted tensors replace the tuned ones, instead of their offset being added, or strength is lost."""
    generator = noisy_generator(2)
    base = save_generator(tmp_path / "base", generator)
    spec = adaptation(tmp_path, generator, base, 1.5, target="logo")
    inversion = pivot(generator, pictures_of(generator, range(1)))
    own = generator.state_dict()["b16.torgb.weight"]
    tuned = {"b16.torgb.weight": own + 0.25, "b4.const": generator.b4.const + 1}
    (whole,), (half,) = load_routes([spec], generator, 1.0), load_routes([spec], generator, 0.5)
    assert (whole.name, whole.file, half.name) == ("logo", "after-logo.png", "logo at 0.5")
    assert torch.equal(whole.generator(generator).state_dict()["b16.torgb.weight"], 1.5 * own)
    both = half.generator(generator, tuned).state_dict()
    assert close(both["b16.torgb.weight"], 1.25 * own + 0.25, 1e-6)
    assert torch.equal(both["b4.const"], tuned["b4.const"])
    assert not close(picture_of(whole.generator(generator), inversion), inversion.pictures, 0.01)


def test_routes_of_other_generators_are_refused_and_equal_words_told_apart(tmp_path: Path) -> None:
    """Fails where a wrong base passes unseen, or the second picture replaces the first."""
    generator = noisy_generator(2)
    base = save_generator(tmp_path / "base", generator)
    specs = [adaptation(tmp_path, generator, base, factor, target="Minimal logo!") for factor in (2.0, 3.0)]
    files = [route.file for route in load_routes(specs, generator, 1.0)]
    assert files == ["after-minimal-logo.png", "after-minimal-logo-2.png"]
    sibling = noisy_generator(2, seed=1)
    with pytest.raises(NadaError, match="made from another generator"):
        load_routes(specs[:1], sibling, 1.0)
    (forced,) = load_routes(specs[:1], sibling, 1.0, force=True)
    offset = generator.state_dict()["b16.torgb.weight"]
    expected = sibling.state_dict()["b16.torgb.weight"] + offset
    assert close(forced.generator(sibling).state_dict()["b16.torgb.weight"], expected, 1e-6)
    with pytest.raises(UsageError):
        load_routes(specs, generator, float("nan"))
