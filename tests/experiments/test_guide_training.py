"""Training of the guides on a handful of pictures: it learns, and an interrupted run equals an unbroken one."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import augment
import numpy as np
import pytest
import torch
import train_guide
from captions import STYLE_NAMES
from PIL import Image

GRID = Path(__file__).resolve().parents[1] / "fixtures" / "guide-pictures.jpg"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fruit of the fixture, in ten styles, as a corpus."""
    grid = np.asarray(Image.open(GRID).convert("RGB")).reshape(11, 64, 10, 64, 3).transpose(0, 2, 1, 3, 4)
    style, column = np.divmod(np.arange(80), 8)
    codes = np.stack([style, column // 2 + 1, 0 * style, 0 * style], axis=1)
    folder = tmp_path_factory.mktemp("corpus")
    np.save(folder / "images.npy", grid[:10, :8].reshape(80, 64, 64, 3))
    np.savez(folder / "table.npz", codes=codes, held_out=np.zeros(80, dtype=bool))
    return folder


def options(corpus: Path, out: Path, architecture: str, until: int) -> Namespace:
    return Namespace(
        corpus=corpus, out=out, architecture=architecture, until=until, steps=100, decay=98, batch=8, lr=1e-3,
        patch_dropout=0.5, channels_last=False, seed=0, note="",
    )  # fmt: skip


@pytest.mark.parametrize("architecture", ["vit", "resnet"])
def test_an_interrupted_run_equals_an_unbroken_one(corpus: Path, tmp_path: Path, architecture: str) -> None:
    """Catches a generator, an optimiser moment or an average that the saved state lacks."""
    for run, stops in (("whole", (4,)), ("broken", (2, 4))):
        for until in stops:
            train_guide.train(options(corpus, tmp_path / run, architecture, until))
    whole, broken = (torch.load(tmp_path / run / "last.ckpt", weights_only=True) for run in ("whole", "broken"))
    assert whole["step"] == broken["step"] == 4 and whole["numpy"] == broken["numpy"]
    for part in ("model", "average"):
        assert all(torch.equal(value, broken[part][name]) for name, value in whole[part].items())


def test_the_exported_folder_is_what_nada_reads(corpus: Path, tmp_path: Path) -> None:
    """Catches weights, config, vocabulary or notes that do not fit together."""
    from nada.clip.encoders import load_encoder

    train_guide.train(options(corpus, tmp_path, "vit", 1))
    encoder = load_encoder(f"local-dir:{tmp_path}")
    assert encoder.encode_text(["minimal logo"]).shape == encoder.encode_image(torch.zeros(1, 3, 64, 64)).shape
    assert encoder.unknown_words("minimal zeppelin") == ["zeppelin"]
    assert json.loads((tmp_path / "nada.json").read_text())["templates"] == list(encoder.templates)


def test_mild_changes_leave_grey_pictures_grey() -> None:
    """Catches coloured grain or a tint on black and white photographs, which would unteach the style."""
    codes = np.full((64, 4), STYLE_NAMES.index("mono"))
    x = torch.rand(64, 1, 64, 64).expand(-1, 3, -1, -1).clone()
    changed = augment.disturb(x, codes, np.random.default_rng(0))
    assert (changed.amax(1) - changed.amin(1)).mean() < 0.01 and not torch.equal(changed, x)


def test_only_photographs_are_spoilt_and_say_so() -> None:
    """Catches a flaw on a drawing, and a spoilt photograph whose caption would call it flawless."""
    codes = np.stack([np.arange(1000) % 10, *(np.zeros((3, 1000), dtype=int))], axis=1)
    x = torch.rand(1000, 3, 64, 64)
    before = x.clone()
    flaws = augment.spoil_photos(x, codes, np.random.default_rng(0))
    changed = (x != before).flatten(1).any(1).numpy()
    assert set(np.flatnonzero(changed) % 10) == {0}
    assert changed[flaws > 0].all() and 0.1 < (flaws > 0)[codes[:, 0] == 0].mean() < 0.4


def test_targets_are_shared_between_all_that_is_true() -> None:
    """Catches hard targets, under which two true captions of a picture push each other away."""
    true = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    even = train_guide.soft_targets_loss(torch.tensor([[5.0, 5.0, -50.0], [1.0, 2.0, 3.0]]), true)
    torch.testing.assert_close(even, torch.log(torch.tensor(2.0)))
    assert train_guide.soft_targets_loss(torch.tensor([[9.0, 1.0, -50.0], [1.0, 2.0, 3.0]]), true) > even
