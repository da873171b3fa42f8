"""`invert`: what it finds, that it finds it again, and that photographs do not get in one another's way."""

from __future__ import annotations

import doctest
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from feature_weights import scramble
from inversion_fakes import QUICK, Coarse, close, noisy_generator, pictures_of

import nada
import nada.inversion.api
import nada.inversion.photos
import nada.inversion.result
from nada.errors import NadaError, UsageError
from nada.features import GuideFeatures, load_features
from nada.features.lpips import Backbone
from nada.images import from_uint8, to_uint8
from nada.inversion import Inversion, invert
from nada.inversion.measures import measure_errors
from nada.inversion.optimising import StepReport
from nada.inversion.perception import load_perception


def found(pictures: torch.Tensor, generator: nada.models.Generator, **changes: object) -> Inversion:
    return invert(generator, pictures, perception=Coarse(), **{**QUICK, **changes})


def test_the_same_call_gives_the_same_bytes_and_another_seed_others() -> None:
    """Fails where global random state is read or changed, or the seed has no part."""
    generator = noisy_generator(2)
    pictures = pictures_of(generator, range(2))
    state = torch.get_rng_state()
    first = found(pictures, generator, jitter=0.2)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(5)
    again, other = found(pictures, generator, jitter=0.2), found(pictures, generator, jitter=0.2, seed=1)
    assert torch.equal(first.w, again.w) and torch.equal(first.pictures, again.pictures)
    assert first.losses == again.losses
    assert not torch.equal(first.w, other.w)


def test_a_photograph_ends_as_it_would_alone() -> None:
    """Fails where rows share Adam's moments, noise, starts, or the end of the slowest."""
    generator = noisy_generator(3)
    pictures = pictures_of(generator, range(3))
    together = found(pictures, generator, jitter=0.1, steps=12)
    for row in range(3):
        alone = found(pictures[row : row + 1], generator, jitter=0.1, steps=12)
        assert alone.classes == together.classes[row : row + 1]
        assert close(alone.w[0], together.w[row], 1e-3) and close(alone.pictures[0], together.pictures[row], 1e-3)
        assert close(alone.noise["b16.conv1"][0], together.noise["b16.conv1"][row], 1e-3)


def test_spaces_and_noise_are_what_was_asked_for() -> None:
    """Fails where w is not one style for all layers, w+ is, or stored maps are moved."""
    generator = noisy_generator()
    pictures = pictures_of(generator, range(1))
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    w, plus = found(pictures, generator, space="w", noise="const"), found(pictures, generator)
    assert w.w.shape == plus.w.shape == (1, generator.num_ws, 8)
    assert torch.equal(w.w, w.w[:, :1].expand_as(w.w)) and w.noise is None
    assert not torch.equal(plus.w[:, 0], plus.w[:, 1])
    assert plus.noise["b16.conv1"].shape == (1, 1, 16, 16)
    stored = generator.b16.conv1.noise_const
    assert plus.noise["b16.conv1"].var() == pytest.approx(float(stored.var()), rel=1e-3)
    assert not torch.equal(plus.noise["b16.conv1"][0, 0], stored)
    with torch.no_grad():
        assert torch.equal(generator.synthesize(plus.w, plus.noise), plus.pictures)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_noise_maps_bring_a_picture_nearer_whose_noise_was_another() -> None:
    """Fails where maps get no gradient, or are put back to the stored ones."""
    generator = noisy_generator()
    z = torch.from_numpy(np.random.RandomState(3).randn(1, 8)).float()
    with torch.no_grad():
        picture = generator(z, noise=generator.make_noise(1, torch.Generator().manual_seed(9))).clamp(-1, 1)
    options = {"steps": 60, "noise_regularisation": 0.1}
    const, fitted = (found(picture, generator, noise=noise, **options) for noise in ("const", "optimised"))
    errors = [float((one.pictures - picture).square().mean()) for one in (const, fitted)]
    assert errors[1] < 0.6 * errors[0]


def test_the_prior_keeps_styles_as_near_their_mean_as_random_ones() -> None:
    """Fails where the prior has no weight, pulls on styles that are near enough, or counts from another mean."""
    generator = noisy_generator()
    target = 0.5 * torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))  # nothing that it can show
    lengths = []
    for prior in (0.0, 10.0):
        one = found(target, generator, prior=prior, steps=80, lr=0.3)
        styles = nada.inversion.api.Styles(generator)
        lengths.append(float(styles.whiten(one.w, styles.centres(None, 1)).square().mean()))
    assert 0.4 < lengths[1] < 1.05 < 1.2 < lengths[0], lengths


def test_a_photograph_that_gains_nothing_ends_early_and_by_a_falling_rate() -> None:
    """Fails where patience has no effect, ends at once without a fall, or one picture ends the others."""
    generator = noisy_generator()
    pictures = pictures_of(generator, range(2))
    reports: list[StepReport] = []
    options = {"steps": 100, "lr": 1e-6, "noise": "const", "patience": 10}
    stuck = invert(generator, pictures, perception=Coarse(), on_step=reports.append, **{**QUICK, **options})
    assert [len(losses) for losses in stuck.losses] == [36, 36]  # 1 + 10 without gain, then a quarter of 100
    assert [report.step for report in reports] == list(range(1, 37)) and reports[-1].left == 0
    moving = found(pictures, generator, **{**options, "lr": 0.1, "patience": 100})
    assert [len(losses) for losses in moving.losses] == [100, 100]


class _Broken(Coarse):
    def vectors(self, pictures: torch.Tensor) -> torch.Tensor:
        return super().vectors(pictures) * (float("nan") if pictures.requires_grad else 1)


def test_what_cannot_be_inverted_is_refused_in_a_sentence() -> None:
    generator = noisy_generator(2)
    picture = pictures_of(generator, range(1))
    with pytest.raises(UsageError, match=r"pictures \(N, 3, 16, 16\), not \(1, 3, 8, 8\)"):
        found(picture[..., :8, :8], generator)
    with pytest.raises(UsageError, match="Unknown setting 'stepz'"):
        found(picture, generator, stepz=3)
    with pytest.raises(UsageError, match="takes gradients, .* not in torch.float16"):
        invert(generator, picture, perception=Coarse(), dtype=torch.float16, **QUICK)
    with pytest.raises(UsageError, match="2 classes were given for 1"):
        found(picture, generator, classes=[0, 1])
    with pytest.raises(UsageError, match="no such class; there are class0, class1"):
        found(picture, generator, classes="ship")
    with pytest.raises(NadaError, match="NaN"):
        found(picture * float("nan"), generator)
    with pytest.raises(NadaError, match="no number in step 1"):
        invert(generator, picture, perception=_Broken(), **QUICK)
    with pytest.raises(UsageError, match="no feature maps"):
        load_perception("inception=file.pth")


def test_a_guides_feature_maps_tell_pictures_apart_and_pull() -> None:
    """Fails where a tower's layers are not found, maps are not of unit length, or nothing is differentiable."""
    picture = 0.3 * torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for spec, layers in (("demo", 4), ("demo-judge", 5)):
        perception = load_perception(spec)
        assert perception.describe()["layers"] == layers
        other = (0.5 * picture).requires_grad_(True)
        vectors = perception.vectors(other)
        assert torch.allclose(vectors.square().sum(dim=1), torch.ones(2), atol=1e-4)
        distance = (vectors - perception.vectors(picture)).square().sum(dim=1)
        distance.sum().backward()
        assert bool((distance > 1e-3).all()) and bool(other.grad.isfinite().all()) and bool(other.grad.any())


def test_lpips_compares_and_pulls_even_where_all_features_are_dead(tmp_path: Path) -> None:
    """Fails where clipping stops the gradient, dead features make it NaN, or the vectors are not those of LPIPS."""
    with torch.device("meta"):
        network = Backbone("alex")
    weights = scramble(network, 1)
    weights["features.0.bias"].fill_(-1.0)  # nothing of a flat picture gets past the first layer
    torch.save(weights, tmp_path / "alex.pth")
    perception = load_perception(f"lpips-alex={tmp_path / 'alex.pth'}")
    lpips = load_features(f"lpips-alex={tmp_path / 'alex.pth'}")
    pictures = 1.5 * torch.randn(2, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    pictures[0, :, :128] = 0
    target = torch.zeros(2, 3, 256, 256)
    inside = from_uint8(to_uint8(pictures))
    vectors, zero = perception.vectors(inside), perception.vectors(target)
    own = lpips.lpips_distance(to_uint8(inside), to_uint8(target))
    assert (vectors - zero).square().sum(dim=1).tolist() == pytest.approx(own.tolist(), rel=0.02)
    pictures.requires_grad_(True)
    (perception.vectors(pictures) - zero).square().sum().backward()
    assert bool(pictures.grad.isfinite().all())
    beyond = pictures.detach().abs() > 1
    assert bool(pictures.grad[beyond].any())
    assert perception.vectors(target[..., :16, :16]).shape[1] < zero.shape[1]  # small ones are not blown up to 256 px


def test_a_generated_picture_is_found_again_within_the_stated_bound() -> None:
    """The known answer; a broken start, halving, prior, schedule or gradient would not meet it. 101 is a hard one."""
    generator, judge = nada.load_generator("demo-cifar10"), load_features("demo-judge")
    assert isinstance(judge, GuideFeatures)
    picture = from_uint8(generator.sample([101]))
    started = time.process_time()
    inversion = invert(generator, picture, classes=1, space="w", steps=150, samples=200, starts=8)
    errors = measure_errors(inversion.pictures, picture, load_perception("demo"), judge)[0]
    assert errors.pixel_rmse < 0.05 and errors.judge_cosine > 0.99, errors
    assert time.process_time() - started < 60


@pytest.mark.parametrize("module", ["api", "result", "photos"])
def test_examples_of_the_docstrings_run(module: str) -> None:
    outcome = doctest.testmod(getattr(nada.inversion, module))
    assert outcome.attempted and not outcome.failed
