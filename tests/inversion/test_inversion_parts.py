"""The parts of an inversion: noise maps, coordinates of styles, Adam by rows, schedules, starts."""

from __future__ import annotations

import math

import pytest
import torch
from inversion_fakes import Coarse, brute_autocorrelation, noisy_generator, pictures_of, quick

from nada.errors import UsageError
from nada.inversion.noise import noise_autocorrelation, renormalise, stored_maps
from nada.inversion.settings import Settings
from nada.inversion.starts import find_starts
from nada.inversion.stepping import RowAdam, jitter_at, rate_at
from nada.inversion.styles import Styles

RNG = torch.Generator().manual_seed(0)


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=RNG)


def test_autocorrelation_is_that_of_the_paper() -> None:
    """Fails for one direction only, a scale left out, a wrong factor between the scales, or chance that is counted."""
    maps = {"b32.conv0": draw(3, 1, 32, 32), "b4.conv1": draw(3, 1, 4, 4)}
    maps["b32.conv0"][1:] += draw(2, 1, 1, 32)  # stripes, whose neighbours below are alike
    expected = [sum(brute_autocorrelation(value[row, 0].numpy()) for value in maps.values()) for row in range(3)]
    assert noise_autocorrelation(maps).tolist() == pytest.approx(expected, rel=1e-5)


def test_pictures_in_maps_are_seen_at_every_scale_and_noise_is_not() -> None:
    """Fails where a coarse pattern, whose neighbours are noise at the finest scale, passes for noise."""
    noise = {"n": draw(1, 1, 64, 64)}
    coarse = draw(1, 1, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    hidden = {"n": 0.9 * noise["n"] + 0.44 * coarse}
    renormalise(hidden, noise)
    assert noise_autocorrelation(hidden) > 20 * noise_autocorrelation(noise) + 0.01


def test_maps_are_brought_back_to_mean_and_variance_of_the_stored_ones_each_on_its_own() -> None:
    """Fails where rows share a mean, values are copied instead of changed in place, or what has not moved is moved."""
    stored = {"n": 0.3 + 0.8 * draw(1, 1, 8, 8)}
    maps = {"n": torch.stack([3 + 5 * draw(1, 8, 8), stored["n"][0], torch.zeros(1, 8, 8)])}
    renormalise(maps, stored)
    assert bool(maps["n"].isfinite().all()) and torch.allclose(maps["n"][1], stored["n"][0], atol=1e-5)
    variance, mean = torch.var_mean(maps["n"][:2], dim=(1, 2, 3), correction=0)
    assert mean.tolist() == pytest.approx([float(stored["n"].mean())] * 2, abs=1e-5)
    assert variance.tolist() == pytest.approx([float(stored["n"].var(correction=0))] * 2, rel=1e-4)


def test_stored_maps_are_copies_under_the_names_that_synthesis_takes() -> None:
    """Fails where fitting the maps would change the generator, or a convolution is left out."""
    generator = noisy_generator()
    maps, w = stored_maps(generator, 2), draw(2, generator.num_ws, 8)
    assert maps.keys() == generator.make_noise(1).keys()
    assert torch.equal(generator.synthesize(w, maps), generator.synthesize(w, "const"))
    maps["b8.conv0"].zero_()
    assert bool(generator.b8.conv0.noise_const.any())


@pytest.mark.parametrize("classes", [0, 3])
def test_whitened_styles_are_standard_normal_about_their_own_condition(classes: int) -> None:
    """Fails for a centre of all conditions, a matrix that is applied the wrong way round, or a lost activation."""
    generator = noisy_generator(classes)
    styles = Styles(generator)
    label = torch.full((4000,), 1) if classes else None
    w = generator.map_latents(draw(4000, 8), label)[:, :1].detach()
    centres = styles.centres(label, 4000)
    p = styles.whiten(w, centres)
    assert torch.allclose(styles.unwhiten(p, centres), w, atol=1e-5)
    assert p.mean(dim=(0, 1)).abs().max() < 0.12
    spread = p[:, 0].t().cov()
    assert spread.trace() / 8 == pytest.approx(1, abs=0.25)
    if not classes:
        assert (spread - torch.eye(8)).abs().max() < 0.12


def test_rows_of_adam_are_torchs_and_know_nothing_of_one_another() -> None:
    """Fails for a wrong bias correction, rates of other rows, or moments that are lost when rows are taken out."""
    start, targets = draw(3, 5), draw(3, 5)
    rates = torch.tensor([0.1, 0.02, 0.3])
    own = RowAdam({"p": start.clone()})
    alone = start.clone()[2:].requires_grad_(True)
    torchs = torch.optim.Adam([alone], lr=0.3)
    kept = torch.arange(3)
    for step in range(12):
        if step == 6:
            kept = torch.tensor([2, 0])
            own.keep(kept)
        own.step({"p": own.tensors["p"] - targets[kept]}, {"p": rates[kept]})
        torchs.zero_grad()
        (0.5 * (alone - targets[2:]).square().sum()).backward()
        torchs.step()
    assert torch.allclose(own.tensors["p"][0], alone.detach()[0], atol=1e-6)
    assert (own.tensors["p"][1] - start[0]).abs().max() > 0.1


def test_rate_and_noise_go_up_and_down_where_the_paper_says() -> None:
    """Fails for a missing ramp, or a fall that begins elsewhere than at three quarters."""
    progress = torch.tensor([0.025, 0.05, 0.5, 0.75, 0.875, 1.0])
    assert rate_at(progress).tolist() == pytest.approx([0.5, 1, 1, 1, 0.5, 0], abs=1e-6)
    assert jitter_at(progress).tolist() == pytest.approx([(1 - x / 0.75) ** 2 for x in (0.025, 0.05, 0.5)] + [0] * 3)


def test_the_start_is_the_best_of_all_samples() -> None:
    """Fails where not all are looked at, pixels are forgotten, or the first is taken for the best."""
    generator, settings = noisy_generator(), quick(samples=70, starts=5)
    pictures = pictures_of(generator, range(3))
    starts = find_starts(generator, pictures, Coarse(), settings, None)
    z = torch.randn(70, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        w = generator.map_latents(z)
        made = generator.synthesize(w)
    for row, picture in enumerate(pictures):
        look = (Coarse().vectors(made) - Coarse().vectors(picture[None])).square().sum(dim=1)
        distances = look + (made - picture).square().mean(dim=(1, 2, 3))
        assert starts.distances[row].tolist() == pytest.approx(sorted(distances.tolist())[:5], rel=1e-4)
        assert torch.allclose(starts.w[row, 0], w[distances.argmin(), 0], atol=1e-5)


def test_starts_are_of_the_class_that_is_given_and_else_of_different_ones() -> None:
    """Fails where a given class is not kept to, or the four best are all of one class."""
    generator = noisy_generator(3)
    pictures = pictures_of(generator, range(2), 1)
    given = find_starts(generator, pictures, Coarse(), quick(starts=4), torch.tensor([1, 2]))
    assert given.labels.tolist() == [[1] * 4, [2] * 4]
    alone = find_starts(generator, pictures[1:], Coarse(), quick(starts=4), torch.tensor([2]))
    assert torch.allclose(given.w[1:], alone.w, atol=1e-5)
    found = find_starts(generator, pictures, Coarse(), quick(starts=4), None)
    assert all(sorted(row[:3]) == [0, 1, 2] for row in found.labels.tolist())
    assert bool((found.distances[:, 0] <= found.distances[:, 1:].amin(dim=1)).all())


@pytest.mark.parametrize(
    "wrong",
    [{"space": "z"}, {"noise": "random"}, {"steps": 0}, {"prior": -1.0}, {"lr": math.nan}, {"starts": 9, "samples": 8},
     {"seed": -1}, {"pixels": math.inf}],
    ids=str,
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Settings(**wrong)
