"""The resize conventions, each against its definition written down a second time, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nada._compat import _ensure_torchvision
from nada.errors import UsageError
from nada.features.resizing import CONVENTIONS, find_convention

SIZES = [(6, 9), (23, 7), (11, 11), (1, 5)]


def triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(0, 1 - np.abs(x))


def cubic(x: np.ndarray) -> np.ndarray:
    """Keys 1981 with a = -1/2, as Pillow has it; OpenCV and torch without antialias have -3/4."""
    x = np.abs(x)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def centred(length: int, size: int, kernel, reach: float, antialias: bool) -> np.ndarray:
    """Weights `(size, length)` of pixels as squares with a centre; those outside the picture count as ..."""
    scale = length / size
    places = (np.arange(size) + 0.5) * scale - 0.5
    if antialias:  # ... nothing, the rest sums to one
        weights = kernel((places[:, None] - np.arange(length)) / max(scale, 1))
        return weights / weights.sum(1, keepdims=True)
    margin = int(np.ceil(reach)) + 1  # ... the pixel at the border
    wide = kernel(places[:, None] - np.arange(-margin, length + margin))
    weights = np.zeros((size, length))
    for column, pixel in enumerate(range(-margin, length + margin)):
        weights[:, min(max(pixel, 0), length - 1)] += wide[:, column]
    return weights


def cornered(length: int, size: int) -> np.ndarray:
    """TensorFlow 1: pixels as points, the first at 0."""
    weights = np.zeros((size, length))
    for i in range(size):
        place = i * length / size
        low = int(place)
        weights[i, low] += 1 - (place - low)
        weights[i, min(low + 1, length - 1)] += place - low
    return weights


MATRICES = {
    "legacy": lambda length, size: cornered(length, size),
    "pytorch-fid": lambda length, size: centred(length, size, triangle, 1, antialias=False),
    "clean": lambda length, size: centred(length, size, cubic, 2, antialias=True),
    "torchmetrics": lambda length, size: centred(length, size, triangle, 1, antialias=True),
}


@pytest.mark.parametrize(("length", "size"), SIZES)
@pytest.mark.parametrize("name", MATRICES)
def test_against_the_definition(name: str, length: int, size: int) -> None:
    """Catches a half pixel's shift, aligned corners, a missing or superfluous filter, the wrong range, swapped axes."""
    pixels = np.random.default_rng(1).integers(0, 256, (2, 3, length, length + 3)).astype(np.float32)
    rows, columns = MATRICES[name](length, size), MATRICES[name](length + 3, size)
    expected = (rows @ pixels.astype(np.float64) @ columns.T).clip(0, 255)
    expected = expected / 127.5 - 1 if name == "pytorch-fid" else (expected - 128) / 128
    found = CONVENTIONS[name].prepare(torch.from_numpy(pixels), size).numpy()
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=5e-5 if name == "clean" else 5e-6)


@pytest.mark.parametrize("name", MATRICES)
def test_a_picture_of_the_right_size_keeps_its_pixels(name: str) -> None:
    pixels = torch.randint(0, 256, (1, 3, 13, 13), generator=torch.Generator().manual_seed(0)).float()
    expected = pixels / 127.5 - 1 if name == "pytorch-fid" else (pixels - 128) / 128
    torch.testing.assert_close(CONVENTIONS[name].prepare(pixels, 13), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("side", [32, 256, 299, 400])
def test_legacy_is_that_of_torch_fidelity_to_the_last_bit(side: int) -> None:
    _ensure_torchvision()
    pytest.importorskip("torch_fidelity", reason="torch-fidelity is not installed", exc_type=ImportError)
    from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

    pixels = torch.randint(0, 256, (1, 3, side, side), generator=torch.Generator().manual_seed(0)).float()
    expected = interpolate_bilinear_2d_like_tensorflow1x(pixels, size=(299, 299), align_corners=False)
    assert torch.equal(CONVENTIONS["legacy"].prepare(pixels, 299), (expected - 128) / 128)


def test_what_overshoots_is_clipped() -> None:
    """clean-fid clips since 0.1.28; without it black and white edges leave the range."""
    pixels = torch.zeros(1, 3, 8, 8)
    pixels[..., 4:] = 255
    found = CONVENTIONS["clean"].prepare(pixels, 32)
    assert found.min() == -1 and found.max() == 127 / 128


def test_an_unknown_convention_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'cleen'; choose from legacy, pytorch-fid, clean, torchmetrics"):
        find_convention("cleen")
