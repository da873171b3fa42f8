"""Importing the package is free: nothing loaded, nothing built, nothing written."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import nada

ROOT = Path(nada.__file__).parent
LAZY = sorted(".".join(("nada", *path.parent.relative_to(ROOT).parts)) for path in ROOT.rglob("__init__.pyi"))

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


@pytest.mark.parametrize("package", LAZY)
def test_every_name_of_a_stub_resolves_to_what_type_checkers_take_it_for(package: str) -> None:
    """Catches a name whose home lost it, and a line whose `as` is missing, which hides the name from type checkers."""
    module = importlib.import_module(package)
    stub = Path(module.__file__).with_suffix(".pyi")
    lines = [node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ImportFrom)]
    offered = {alias.asname: importlib.import_module(line.module) for line in lines for alias in line.names}
    assert offered and all(getattr(module, name) is getattr(home, name) for name, home in offered.items())
    assert set(module.__all__) - {"__version__"} == set(offered) and set(offered) <= set(dir(module))
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'adpat'"):
        getattr(module, "adpat")  # noqa: B009
