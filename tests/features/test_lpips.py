"""LPIPS: torchmetrics' on the same backbone, and vectors whose squared distance it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nada import _compat
from nada.errors import NadaError
from nada.features import LpipsFeatures, load_features
from nada.features import lpips as module


def torchmetrics_lpips(net: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    _compat._ensure_torchvision()
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    from torchmetrics.functional.image import lpips

    def unfilled(name: str, pretrained: bool) -> torch.nn.Module:
        with torch.device("meta"):  # drawing 138 million numbers takes seconds
            return getattr(models, name)(weights=None).features

    monkeypatch.setattr(lpips, "_get_tv_model_features", unfilled)
    oracle = lpips._LPIPS(net=net, pnet_rand=True)
    state = torch.load(path, weights_only=True)
    names = {name: f"features.{name.split('.', 1)[1]}" for name in oracle.net.state_dict()}
    oracle.net.load_state_dict({name: state[stored] for name, stored in names.items()}, assign=True)
    return oracle


@pytest.fixture(scope="module")
def alex(backbone_files: dict[str, Path]) -> LpipsFeatures:
    return load_features(f"lpips-alex={backbone_files['alex']}")


@pytest.mark.parametrize(("net", "size"), [("alex", 256), ("vgg", 64)])
def test_distances_are_those_of_torchmetrics(
    net: str, size: int, backbone_files: dict[str, Path], pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a layer looked at too early, before its ReLU, or with another's head, and a wrong mean or range."""
    monkeypatch.setattr(module, "SIZE", size)  # VGG-16 takes its time
    a, b = pictures[:2, :size, :size], pictures[1:, :size, :size] // 2
    x, y = (torch.from_numpy(part).permute(0, 3, 1, 2).float() / 127.5 - 1 for part in (a, b))
    with torch.no_grad():
        expected = torchmetrics_lpips(net, backbone_files[net], monkeypatch)(x, y).flatten().numpy()
    extractor = load_features(f"lpips-{net}={backbone_files[net]}")
    assert extractor.lpips_distance(a, b) == pytest.approx(expected, rel=1e-4)
    assert extractor.describe()["published"] is False and extractor.distance_name == f"fd_lpips_{net}"


def test_features_are_vectors_at_that_distance(alex: LpipsFeatures, pictures: np.ndarray) -> None:
    vectors = alex.features(pictures)
    assert vectors.shape == (3, alex.width)
    expected = np.square(vectors[:2].astype(np.float64) - vectors[1:]).sum(1)
    assert alex.lpips_distance(pictures[:2], pictures[1:]) == pytest.approx(expected, rel=1e-5)
    assert expected.min() > 1e-3
    assert not alex.lpips_distance(pictures, pictures).any()


@pytest.mark.parametrize("kept", [1, 2, 100])
def test_the_matrix_has_the_distance_of_every_pair(alex: LpipsFeatures, pictures: np.ndarray, kept: int) -> None:
    """However many vectors fit into memory; catches a block on the wrong side, or left out."""
    found = alex.lpips_matrix(pictures, memory=kept * 8 * alex.width)
    assert found.shape == (3, 3) and found.dtype == np.float32
    expected = [alex.lpips_distance(pictures, pictures[[other] * 3]) for other in range(3)]
    assert found == pytest.approx(np.array(expected), rel=1e-4, abs=1e-6)
    assert not found.diagonal().any()


def test_it_is_computed_a_few_at_a_time(alex: LpipsFeatures, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = alex.lpips_distance(pictures, pictures[::-1])
    monkeypatch.setattr(alex, "at_once", 2)
    np.testing.assert_allclose(alex.lpips_distance(pictures, pictures[::-1]), whole, rtol=1e-5)
    assert alex.lpips_distance(pictures[:0], pictures[:0]).shape == (0,)


def test_it_is_computed_exactly_whatever_torch_is_set_to(
    alex: LpipsFeatures, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TF32 and bfloat16 products, which a caller may have allowed, are a few thousandths off."""
    inside: list[object] = []

    def look(pixels: torch.Tensor) -> torch.Tensor:
        inside.append((torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32, torch.is_grad_enabled()))
        raise KeyboardInterrupt

    monkeypatch.setattr(alex, "_embed", look)
    outside = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("medium")
    try:
        for compute in (alex.features, alex.lpips_matrix, lambda images: alex.lpips_distance(images, images)):
            with pytest.raises(KeyboardInterrupt):
                compute(pictures)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(outside[0])
    assert inside == [("highest", False, False)] * 3
    assert torch.is_grad_enabled() and torch.backends.cudnn.allow_tf32 == outside[1]


def test_pictures_without_a_partner_are_refused(alex: LpipsFeatures, pictures: np.ndarray) -> None:
    with pytest.raises(NadaError, match="by index, but there are 3 and 2"):
        alex.lpips_distance(pictures, pictures[:2])


def test_heads_are_found_without_importing_torchmetrics(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _compat.lpips_heads("vgg").name == "vgg.pth"
    monkeypatch.setattr(_compat.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(NadaError, match="install torchmetrics"):
        _compat.lpips_heads("vgg")
