"""What an installation brings along."""

from __future__ import annotations

import importlib.util
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parent.parent
FILES = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")


@pytest.fixture
def needs_setuptools() -> None:
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("setuptools is not in this environment")


def test_the_sources_of_the_operators_travel_with_the_package(needs_setuptools: None, tmp_path: Path) -> None:
    """Without them an installed package, which has no folder of sources beside it, can build nothing."""
    copy = tmp_path / "copy"
    for name in ("nada", "csrc"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=shutil.ignore_patterns("assets", "__pycache__"))
    for name in FILES:
        shutil.copy(REPOSITORY / name, copy)
    clean = {key: value for key, value in os.environ.items() if key != "NADA_BUILD_OPS"}
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(tmp_path / "built")]
    subprocess.run(command, cwd=copy, env=clean, check=True, capture_output=True, text=True)
    wanted = {path.relative_to(REPOSITORY) for path in (REPOSITORY / "csrc").rglob("*") if path.is_file()}
    assert wanted == {path.relative_to(tmp_path / "built/nada") for path in (tmp_path / "built/nada/csrc").rglob("*.*")}
    assert not (tmp_path / "built/nada/ops/_compiled").exists()
    code = "from nada.ops import _toolchain; print(_toolchain.find_sources())"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "built", capture_output=True, text=True)
    assert done.stdout.strip() == str(tmp_path / "built/nada/csrc")


def test_building_them_while_installing_says_that_it_needs_torch(
    needs_setuptools: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import setuptools

    monkeypatch.setattr(setuptools, "setup", lambda **_: None)
    build_operators: Any = runpy.run_path(str(REPOSITORY / "setup.py"))["build_operators"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="install torch, then pip install --no-build-isolation"):
        build_operators(tmp_path)


def test_nothing_says_to_install_the_nada_of_somebody_else() -> None:
    """Fails where a text tells people to install `nada[data]`: that name belongs to another project on PyPI."""
    texts = [path for path in (REPOSITORY / "nada").rglob("*") if path.suffix in (".py", ".md")]
    stranger = re.compile(r"pip install (?:-\S+ )*['\"]?nada\b|\bnada\[(?:data|onnx|ray|video)\]")
    assert texts and not [path.name for path in texts if stranger.search(path.read_text(encoding="utf-8"))]
