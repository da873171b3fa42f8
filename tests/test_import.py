"""Importing the package is free: nothing loaded, nothing built, nothing written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nada

# The source folder is named, so that the test also holds where the package is not installed.
CODE = f"""
import sys; sys.path.insert(0, {str(Path(nada.__file__).parent.parent)!r}); import nada
heavy = {{"torch", "numpy", "PIL", "open_clip", "torchvision", "tensorboard", "click", "tqdm", "safetensors"}}
print(sorted(heavy & set(sys.modules)))
import nada.adaptation, nada.training, nada.checkpoints, nada.clip
later = {{"open_clip", "torchvision", "tensorboard", "torchmetrics", "huggingface_hub", "pyarrow", "onnx"}}
print(sorted(later & set(sys.modules)))
"""


def test_import_loads_and_writes_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[]", "[]"], done.stderr
    assert not list(tmp_path.iterdir())


def test_every_public_name_resolves() -> None:
    for name in nada.__all__:
        assert getattr(nada, name) is not None
    assert set(nada.__all__) <= set(dir(nada))
    with pytest.raises(AttributeError, match="no attribute 'adpat'"):
        nada.adpat
