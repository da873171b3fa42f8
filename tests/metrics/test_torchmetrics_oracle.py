"""torchmetrics on the same features: FID, KID, IS and CLIPScore, each to the digits that it keeps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from nada._compat import _ensure_torchvision
from nada.metrics import clip_t, frechet_distance, inception_estimate, kernel_estimate

pytestmark = pytest.mark.filterwarnings("ignore:Metric `:UserWarning")


class Identity(torch.nn.Module):
    """Features in place of pictures."""

    num_features = 24

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features


@pytest.fixture(scope="module")
def oracles() -> SimpleNamespace:
    """The classes, from the modules they are written in: torchmetrics.image lists them only beside torch-fidelity."""
    _ensure_torchvision()
    from torchmetrics.functional.multimodal.clip_score import clip_score
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    return SimpleNamespace(
        fid=FrechetInceptionDistance, inception=InceptionScore, kid=KernelInceptionDistance, clip_score=clip_score
    )


@pytest.fixture(scope="module")
def sets() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(130, 24)) @ rng.normal(size=(24, 24)), rng.normal(size=(110, 24)) + 0.5


def test_fid(oracles: SimpleNamespace, sets: tuple[np.ndarray, np.ndarray]) -> None:
    oracle = oracles.fid(feature=Identity()).set_dtype(torch.float64)
    oracle.update(torch.from_numpy(sets[0]), real=True)
    oracle.update(torch.from_numpy(sets[1]), real=False)
    assert frechet_distance(*sets, ddof=1) == pytest.approx(float(oracle.compute()), rel=1e-9)


@pytest.mark.parametrize("subset_size", [60, 110])
def test_kid_with_the_same_subsets(
    oracles: SimpleNamespace, sets: tuple[np.ndarray, np.ndarray], subset_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its std is that of the subsets, as printed in papers, and is not our interval."""
    oracle = oracles.kid(feature=Identity(), subsets=7, subset_size=subset_size)
    oracle.update(torch.from_numpy(sets[0]), real=True)
    oracle.update(torch.from_numpy(sets[1]), real=False)
    rng = np.random.default_rng(5)
    monkeypatch.setattr(torch, "randperm", lambda n: torch.from_numpy(rng.permutation(n)))
    mean, std = oracle.compute()
    found = kernel_estimate(*sets, subsets=7, subset_size=subset_size, seed=5)
    assert found.value == pytest.approx(float(mean), rel=1e-9)
    assert found.std == pytest.approx(float(std), rel=1e-6)


def test_inception_score(oracles: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    logits = np.random.default_rng(1).normal(size=(200, 10)) * 3
    oracle = oracles.inception(feature=Identity(), splits=5)
    oracle.update(torch.from_numpy(logits))
    monkeypatch.setattr(torch, "randperm", torch.arange)
    mean, std = oracle.compute()
    found = inception_estimate(logits, splits=5, ddof=1)
    assert found.value == pytest.approx(float(mean), rel=1e-12)
    assert found.std == pytest.approx(float(std), rel=1e-9)


class Encoder:
    """The two methods that torchmetrics calls of a CLIP model, over embeddings in place of pictures and words."""

    config = SimpleNamespace()

    def __init__(self, images: torch.Tensor, text: torch.Tensor) -> None:
        self.images, self.text = images, text

    def to(self, device: Any) -> Encoder:
        return self

    def get_image_features(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.images

    def get_text_features(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.text.expand(len(ids), -1)


def test_clip_score(oracles: SimpleNamespace) -> None:
    """100 times our mean cosine, where that is positive."""
    rng = np.random.default_rng(2)
    images, text = torch.from_numpy(rng.normal(size=(9, 16)) + 0.4), torch.from_numpy(rng.normal(size=16) + 0.4)
    blank = torch.zeros(9, 1)

    def processor(**_: Any) -> dict[str, torch.Tensor]:
        return {"pixel_values": blank, "input_ids": blank, "attention_mask": blank}

    pictures = [torch.zeros(3, 4, 4)] * 9
    score = oracles.clip_score(pictures, ["a"] * 9, model_name_or_path=lambda: (Encoder(images, text), processor))
    assert float(score) > 1
    assert 100 * clip_t(images, text) == pytest.approx(float(score), rel=1e-6)
