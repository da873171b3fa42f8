from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_runs import quiet

from nada.config.train import TrainConfig
from nada.errors import UsageError
from nada.training import run_training
from nada.training.augmentation import KINDS
from nada.training.options import check_options, parse_channels


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 48}, "--size must be a power of two"),
        ({"batch": 0}, "--batch must be positive, not 0"),
        ({"lr": float("nan")}, "--lr must be positive"),
        ({"d_lr": 0.0}, "--d-lr must be positive"),
        ({"gamma": -1.0}, "--gamma must be at least 0"),
        ({"clip_norm": float("inf")}, "--clip-norm must be at least 0"),
        ({"kimg": 0.0}, "--kimg must be positive"),
        ({"duration": -1.0}, "--duration must be positive"),
        ({"mixing": 1.5}, "--mixing goes from 0 to 1, not to 1.5"),
        ({"label_smoothing": 0.9}, "--label-smoothing goes from 0 to 0.5"),
        ({"label_smoothing": 0.1, "loss": "hinge"}, "--label-smoothing goes with --loss logistic"),
        ({"loss": "wgan-gp"}, "--augment ada follows the sign of logits"),
        ({"freeze_d": 2}, "--freeze-d .* give one with --init"),
        ({"holdout": 0.1, "holdout_glob": "x"}, "give one of them"),
        ({"metrics_num": 1}, "--metrics-num must be at least 2"),
        ({"channels": "64,32,16"}, "--channels needs one number or 2 of them for 8 px"),
        ({"channels": "wide"}, "--channels is a width"),
        ({"channels": "4/512"}, "a BASE of at least 8"),
        ({"d_channels": "0"}, "--d-channels is a width"),
        ({"augment_kinds": "flip,spin"}, "--augment-kinds takes some of .*, separated by commas"),
        ({"data": None}, "--data is missing"),
        ({"device": "cuda:99"}, "cuda:99"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_sentence(config: TrainConfig, change: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        run_training(replace(config, **change), quiet)
    assert "\n" not in str(caught.value) and not Path(config.out).exists()


def test_channels_can_be_written_in_three_ways() -> None:
    assert parse_channels("64", 16) == (64, 64, 64)
    assert parse_channels("64, 32,16", 16) == (64, 32, 16)
    assert parse_channels("512/64", 32) == (64, 64, 32, 16)


def test_the_default_options_are_in_range() -> None:
    check_options(TrainConfig())


def test_the_help_names_every_transform() -> None:
    (field,) = (field for field in dataclasses.fields(TrainConfig) if field.name == "augment_kinds")
    named = set(field.metadata["help"].removesuffix(".").removeprefix("Which of ").split(", "))
    assert named == set(KINDS)
