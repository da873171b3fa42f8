"""Files of weights as their owners publish them, with random numbers in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from feature_weights import scramble


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inception in the layout of pytorch-fid and torch-fidelity, as torch 0.4 saved it: without batch counts."""
    from nada.features.inception_network import Inception

    with torch.device("meta"):
        network = Inception()
    path = tmp_path_factory.mktemp("inception") / "weights-inception.pth"
    torch.save(scramble(network, 0), path)
    return path


@pytest.fixture(scope="session")
def backbone_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """AlexNet and VGG-16 in torchvision's layout; the classifier is there, though nobody needs it."""
    from nada.features.lpips import Backbone

    folder, files = tmp_path_factory.mktemp("backbones"), {}
    for net in ("alex", "vgg"):
        files[net] = folder / f"{net}.pth"
        torch.save({**scramble(Backbone(net), 1), "classifier.1.weight": torch.zeros(2, 2)}, files[net])
    return files


@pytest.fixture
def pictures() -> np.ndarray:
    """Three pictures of noise, uint8 `(3, 256, 256, 3)`."""
    return np.random.default_rng(0).integers(0, 256, (3, 256, 256, 3), dtype=np.uint8)
