"""Folders of pictures to import, and what became of them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_pictures import encoded
from PIL import Image

from nada.data.fitting import Fit
from nada.data.importing import ImportReport, import_pictures


def folder(path: Path, files: dict[str, bytes]) -> Path:
    """Files by their names."""
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def described(path: Path) -> dict[str, Any]:
    """The dataset.json of an import, whose zip is whole."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return json.loads(archive.read("dataset.json"))


def run(source: Path, out: Path, size: int = 16, **how: Any) -> ImportReport:
    """Import small squares."""
    return import_pictures(source, out, Fit(size), **how)


@pytest.fixture
def gradients(tmp_path: Path) -> Path:
    """40 pictures, no two alike, in two classes, every fifth broken, every third with a caption."""
    files = {}
    for number in range(40):
        levels = (np.indices((20, 30)).sum(axis=0) * (number + 1) % 256).astype(np.uint8)
        name = f"{'ab'[number % 2]}/{number:02d}"
        files[f"{name}.png"] = encoded(Image.fromarray(levels)) if number % 5 else b"broken"
        if number % 3 == 0:
            files[f"{name}.txt"] = f"number {number}".encode()
    return folder(tmp_path / "gradients", files)
