"""Discriminators in folders of ours: beside a converted generator, and in a training run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_makers import random_discriminator, random_generator

from nada.checkpoints import load_discriminator, save_discriminator, save_generator
from nada.checkpoints.discriminators import CONFIG, RUN_STATE, WEIGHTS, holds_discriminator
from nada.errors import NadaError
from nada.models import Discriminator
from nada.runs import save_tensors
from nada.training.state import state_of

SMALL = {"resolution": 8, "channels": (4, 2)}
KINDS = [
    {},
    {"spectral_norm": True},
    {"num_classes": 3, "cmap_dim": 5},
    {"architecture": "skip", "mbstd_group": 2, "conv_clamp": 256.0},
]


def assert_same(found: Discriminator, made: Discriminator) -> None:
    assert found.config == made.config and not found.training
    state = found.state_dict()
    assert all(torch.equal(state[name], value) for name, value in made.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
def test_a_discriminator_comes_back_with_its_settings(tmp_path: Path, kind: dict[str, Any]) -> None:
    made = random_discriminator(**SMALL, **kind)
    assert not holds_discriminator(tmp_path)
    save_discriminator(tmp_path, made)
    assert holds_discriminator(tmp_path)
    assert_same(load_discriminator(tmp_path), made)


def test_that_of_a_training_run_is_found_in_its_checkpoint(tmp_path: Path) -> None:
    sizes = {"z_dim": 4, "w_dim": 4, "mapping_layers": 1}
    made = random_discriminator(**SMALL, mbstd_group=2)
    state = state_of(random_generator(**SMALL, **sizes), made, lr=0.001, device=torch.device("cpu"))
    (tmp_path / "config.json").write_text(json.dumps({"discriminator": made.config.to_dict()}))
    save_tensors(tmp_path / RUN_STATE, state.state_dict())
    assert_same(load_discriminator(tmp_path), made)


def test_a_folder_without_one_says_where_they_are(tmp_path: Path) -> None:
    save_generator(tmp_path, random_generator(**SMALL, z_dim=4, w_dim=4, mapping_layers=1))
    with pytest.raises(NadaError, match="holds no discriminator; give the folder of a training run"):
        load_discriminator(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resolution": 16}, "16 px needs 3"),
        ({"resolution": 1 << 60}, "impossible"),
        ({"resolution": "8"}, "impossible"),
        ({"channels": [4, 10**15]}, "impossible"),
        ({"channels": [4, 3]}, "the rest asks for"),
        ({"num_classes": 2}, "missing"),
        ({"architecture": "other"}, "other"),
        ({"mbstd_group": {}}, "impossible"),
        ({"unheard": 1}, "unheard"),
    ],
)
def test_a_config_that_does_not_fit_is_one_sentence(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    save_discriminator(tmp_path, random_discriminator(**SMALL))
    content = json.loads((tmp_path / CONFIG).read_text())
    content["config"] |= change
    (tmp_path / CONFIG).write_text(json.dumps(content))
    with pytest.raises(NadaError, match=words) as info:
        load_discriminator(tmp_path)
    assert str(tmp_path) in str(info.value)


def test_files_of_something_else_are_named(tmp_path: Path) -> None:
    save_discriminator(tmp_path, random_discriminator(**SMALL))
    content = json.loads((tmp_path / CONFIG).read_text())
    for wrong, words in (({"version": 2}, "version 2"), ({"format": "x"}, "no format"), ({"config": []}, "impossible")):
        (tmp_path / CONFIG).write_text(json.dumps({**content, **wrong}))
        with pytest.raises(NadaError, match=words):
            load_discriminator(tmp_path)
    (tmp_path / CONFIG).write_text(json.dumps(content))
    (tmp_path / WEIGHTS).write_bytes(b"no tensors")
    with pytest.raises(NadaError, match="damaged"):
        load_discriminator(tmp_path)
