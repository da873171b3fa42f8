"""For the tests of operators: each of their bodies, on each device that is here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from nada import ops
from nada.ops import _library, _prebuilt
from nada.ops._library import Library


class Body(NamedTuple):
    """The bodies at work, "compiled" or "reference", and where tensors are to lie."""

    name: str
    device: str


@pytest.fixture(params=["compiled-cpu", "reference-cpu", "compiled-cuda", "reference-cuda"])
def body(request: pytest.FixtureRequest) -> Iterator[Body]:
    """The operators' bodies, one after the other; skips by name what cannot be had on this machine."""
    name, device = request.param.split("-")
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU on this machine: the operators are tested on the CPU alone")
    if name == "compiled":
        request.getfixturevalue("compiled_operators")
        if device not in _library.obtain().devices:
            pytest.skip(f"the compiled operators do not take {device} tensors: {_library.obtain().missing}")
    with ops.bodies(name), torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False):
        yield Body(name, device)


@pytest.fixture
def compiled(compiled_operators: None) -> Iterator[None]:
    """The compiled bodies at work, whatever the environment says."""
    with ops.bodies("compiled"):
        yield


@pytest.fixture
def undecided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a fresh process, with an empty cache and `NADA_OPS` unset; nothing that is found is really loaded."""
    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NADA_OPS", raising=False)
    for name, value in {"_active": "", "_served": {}, "_told": set(), "_library": None, "_problem": None}.items():
        monkeypatch.setattr(_library, name, value)
    monkeypatch.setattr(_library, "_load", lambda *values: Library(*values))
    monkeypatch.setattr(_prebuilt, "FOLDER", tmp_path / "none")
