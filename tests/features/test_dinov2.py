"""DINOv2: timm's vision transformer on the same weights, and the published code's position embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from feature_weights import scramble
from torch import Tensor

from nada._compat import _ensure_torchvision
from nada.errors import NadaError
from nada.features import load_features
from nada.features.dinov2 import VisionTransformer, resized_positions
from nada.files import hash_file

WIDTH, DEPTH, TRAINED = 128, 2, 37


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """A small DINOv2 in the layout of dinov2_vits14_pretrain.pth: positions of 518 px, and a mask token."""
    network = VisionTransformer(WIDTH, DEPTH, 4 * WIDTH, TRAINED**2 + 1)
    return {**scramble(network, 2), "mask_token": torch.zeros(1, WIDTH)}


@pytest.fixture(scope="module")
def path(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dinov2") / "inception.pth"  # the name of a file makes no FID
    torch.save(state, path)
    return path


def keys_cubic(x: np.ndarray) -> np.ndarray:
    """Keys 1981 with a = -3/4, torch's filter without antialias."""
    x = np.abs(x)
    near, far = 1.25 * x**3 - 2.25 * x**2 + 1, -0.75 * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def position_weights(side: int) -> np.ndarray:
    """Weights `(side, 37)` at (i + 1/2) * 37 / (side + 0.1) - 1/2: not quite what the sizes alone would give."""
    places = (np.arange(side) + 0.5) * TRAINED / (side + 0.1) - 0.5
    wide = keys_cubic(places[:, None] - np.arange(-3, TRAINED + 3))
    weights = np.zeros((side, TRAINED))
    for column, place in enumerate(range(-3, TRAINED + 3)):
        weights[:, min(max(place, 0), TRAINED - 1)] += wide[:, column]
    return weights


def published_positions(embedding: Tensor, side: int) -> np.ndarray:
    grid = embedding[0, 1:].double().numpy().reshape(TRAINED, TRAINED, WIDTH)
    rows = position_weights(side)
    small = np.einsum("ia,jb,abd->ijd", rows, rows, grid).reshape(side * side, WIDTH)
    return np.concatenate([embedding[0, :1].double().numpy(), small])[None]


def test_positions_are_resized_by_the_published_scale(state: dict[str, Tensor]) -> None:
    embedding = state["pos_embed"]
    found = resized_positions(embedding, 16)
    assert found.numpy() == pytest.approx(published_positions(embedding, 16), abs=2e-5)
    assert resized_positions(embedding, TRAINED) is embedding


def test_features_are_those_of_timms_network(path: Path, state: dict[str, Tensor], pictures: np.ndarray) -> None:
    _ensure_torchvision()
    timm = pytest.importorskip("timm.models.vision_transformer", reason="timm is not installed")
    oracle = timm.VisionTransformer(
        224, 14, num_classes=0, embed_dim=WIDTH, depth=DEPTH, num_heads=2, init_values=1e-5, global_pool="token"
    ).eval()
    positions = torch.from_numpy(published_positions(state["pos_embed"], 16)).float()
    oracle.load_state_dict({**{name: state[name] for name in state if name != "mask_token"}, "pos_embed": positions})
    small = pictures[:, :224, :224]
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = torch.from_numpy(((small / 255 - mean) / std).astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        expected = oracle(pixels).numpy()
    extractor = load_features(f"dinov2={path}")
    found = extractor.features(small)
    assert found.shape == (3, WIDTH) and np.ptp(expected, axis=0).mean() > 0.01
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_it_tells_what_it_is(path: Path, pictures: np.ndarray) -> None:
    extractor = load_features(f"dinov2={path}")
    tag = f"dinov2_width{WIDTH}_{hash_file(path)[:8]}"
    assert (extractor.tag, extractor.distance_name) == (tag, f"fd_{tag}")
    facts = extractor.describe()
    assert facts["network"] == f"DINOv2 width{WIDTH}, {DEPTH} blocks, class token"
    assert (facts["size"], facts["filter"], facts["antialias"], facts["width"]) == (224, "bicubic", True, WIDTH)
    whole = extractor.features(pictures)
    assert whole.shape == (3, WIDTH) and not np.allclose(whole, extractor.features(pictures[:, :224, :224]))


def test_another_file_of_the_same_network_has_another_tag(path: Path, state: dict[str, Tensor], tmp_path: Path) -> None:
    """Fails where the features of one are taken for those of the other, which was trained further or is random."""
    torch.save({**state, "cls_token": state["cls_token"] + 1}, tmp_path / path.name)
    one, other = (load_features(f"dinov2={file}") for file in (path, tmp_path / path.name))
    assert one.name == other.name and one.tag != other.tag


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ({"register_tokens": torch.zeros(1, 4, WIDTH)}, "holds a DINOv2 with registers, which is not supported"),
        ({"blocks.0.mlp.w12.weight": torch.zeros(1)}, "holds the giant DINOv2, which is not supported"),
        ({"pos_embed": torch.zeros(1, 1000, WIDTH)}, "position embeddings of no square"),
        ({"pos_embed": torch.zeros(1, 10, 100)}, "does not hold DINOv2's weights"),
    ],
)
def test_its_relatives_are_refused(
    extra: dict[str, Tensor], sentence: str, state: dict[str, Tensor], tmp_path: Path
) -> None:
    torch.save({**state, **extra}, tmp_path / "relative.pth")
    with pytest.raises(NadaError, match=sentence):
        load_features(f"dinov2={tmp_path / 'relative.pth'}")
