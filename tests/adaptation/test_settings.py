"""Defaults of both methods, and the learning-rate rule at both ends."""

from __future__ import annotations

import pytest

from nada.adaptation import Settings, default_learning_rate, published_settings
from nada.adaptation.plan import make_plan
from nada.adaptation.settings import BETAS, resolve
from nada.config.adapt import AdaptConfig
from nada.errors import UsageError
from nada.models import GeneratorConfig, default_channels


def config(resolution: int, channels: tuple[int, ...]) -> GeneratorConfig:
    return GeneratorConfig(resolution, channels)


@pytest.mark.parametrize("resolution, base", [(256, 16384), (256, 32768), (512, 32768), (1024, 32768)])
def test_published_sizes_get_the_published_rate(resolution: int, base: int) -> None:
    assert default_learning_rate(config(resolution, default_channels(resolution, base))) == 0.0016


def test_narrow_generators_get_a_higher_rate_in_proportion() -> None:
    assert default_learning_rate(config(64, (64,) * 5)) == pytest.approx(0.0128)
    assert default_learning_rate(config(64, (128, 128, 128, 64, 64))) == pytest.approx(0.0064)


def test_the_official_method_is_the_published_procedure() -> None:
    settings = resolve(published_settings(), config(256, default_channels(256)))
    assert (settings.lr, settings.batch, settings.steps) == (0.0016, 2, 300)
    assert settings.layers == "auto-official:9"  # the notebook's two thirds of 14
    assert (settings.noise, settings.paired, settings.idle_decay, settings.mixing) == ("independent", False, True, 0.0)
    assert BETAS == (0.0, pytest.approx(0.99199, abs=1e-5))


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"steps": 0}, "steps must be a positive number, not 0."),
        ({"lr": float("nan")}, "lr must be a positive number, not nan."),
        ({"accumulate": -1}, "accumulate must be a positive number, not -1."),
        ({"mixing": 1.5}, "mixing is a probability from 0 to 1, not 1.5."),
        ({"ema": 1.0}, "ema is a decay from 0 to below 1, not 1.0."),
    ],
)
def test_a_number_out_of_range_is_named_as_it_was_given(wrong: dict[str, float], words: str) -> None:
    """Catches "lr must be ..." said to somebody who wrote --lr, and the other way round."""
    with pytest.raises(UsageError) as raised:
        Settings(**wrong)
    assert str(raised.value) == words
    with pytest.raises(UsageError) as raised:
        make_plan(AdaptConfig(source="photo", target="sketch", device="cpu", **wrong))
    assert str(raised.value) == f"--{words}"


def test_what_is_given_is_kept() -> None:
    settings = resolve(Settings(layers="all", steps=7, batch=3, lr=0.5), config(8, (4, 4)))
    assert (settings.layers, settings.steps, settings.batch, settings.lr) == ("all", 7, 3, 0.5)
    assert resolve(Settings(), config(8, (4, 4))).layers == "late:2"
