"""A library that an installation brings along: used where it can run, refused where it would end the process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from nada.files import write_json
from nada.ops import _library, _prebuilt, _recipe, _toolchain
from nada.ops._library import Library
from nada.ops._recipe import LIBRARY
from nada.ops._toolchain import Unbuildable


@pytest.fixture
def prebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    folder = tmp_path / "_compiled"
    folder.mkdir()
    (folder / LIBRARY).write_bytes(b"ELF")
    monkeypatch.setattr(_prebuilt, "FOLDER", folder)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    monkeypatch.setattr(_toolchain, "visible_architectures", lambda: ())
    return {
        "torch": "2.10",
        "machine": _recipe.platform.machine(),
        "level": "x86-64-v3",
        "backends": ["cpu"],
        "architectures": [],
        "cuda": None,
        "sources": _recipe.hash_sources(_toolchain.find_sources(), cuda=False),
    }


def write(info: dict[str, Any], **changes: Any) -> None:
    write_json(_prebuilt.FOLDER / "library.json", {**info, **changes})


def test_a_library_that_came_along_needs_no_compiler(prebuilt: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(_library, "_load", lambda *values: Library(*values))
    write(prebuilt)
    assert _library._find(gpus=True) == Library(_prebuilt.FOLDER / LIBRARY, ("cpu",), "came with the installation")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"torch": "2.99"}, "built with torch 2.99"),
        ({"torch": "1.13"}, "built with torch 1.13"),
        ({"machine": "vax"}, "built for vax"),
        ({"sources": "0" * 64}, "sources have changed"),
        ({"torch": "new"}, "not as it was written"),
        ({"level": None, "torch": None}, "not as it was written"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_library_that_would_end_the_process_is_refused(prebuilt: dict[str, Any], change: Any, reason: str) -> None:
    write(prebuilt, **change)
    with pytest.raises(Unbuildable, match=reason):
        _prebuilt.find_prebuilt(_prebuilt.FOLDER)


def test_an_old_cpu_is_not_given_avx2(prebuilt: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    write(prebuilt)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    with pytest.raises(Unbuildable, match="AVX2"):
        _prebuilt.find_prebuilt(_prebuilt.FOLDER)


@pytest.mark.parametrize(
    ("here", "cuda", "devices"),
    [
        (("90",), "13.0", ("cpu", "cuda")),
        (("120",), "13.0", ("cpu", "cuda")),  # from the intermediate code of 90
        (("75",), "13.0", ("cpu",)),
        (("75", "90"), "13.0", ("cpu",)),
        (("90",), "12.6", ("cpu",)),
        ((), None, ("cpu", "cuda")),
    ],
    ids=str,
)
def test_kernels_that_came_along_are_used_where_they_can_run(
    prebuilt: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
    here: tuple[str, ...], cuda: str | None, devices: tuple[str, ...],
) -> None:  # fmt: skip
    sources = _recipe.hash_sources(_toolchain.find_sources(), cuda=True)
    write(prebuilt, backends=["cpu", "cuda"], architectures=["80", "90"], cuda="13", sources=sources)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    assert _prebuilt.find_prebuilt(_prebuilt.FOLDER, here)[1] == devices


@pytest.mark.parametrize(
    ("built_for", "gpu", "served"),
    [
        (["90a"], "90", True),
        (["90a"], "100", False),  # a GPU of its own: nothing newer runs it
        (["90a"], "120", False),
        (["100f"], "100", True),
        (["100f"], "103", True),  # the family
        (["100f"], "120", False),
        (["80", "90a"], "100", True),  # from the intermediate code of 80
        (["80", "90a"], "75", False),
    ],
    ids=str,
)
def test_kernels_for_one_gpu_are_not_given_to_newer_ones(
    prebuilt: dict[str, Any], monkeypatch: pytest.MonkeyPatch, built_for: list[str], gpu: str, served: bool
) -> None:
    """A GPU that a library claims to serve and does not would get torch's operators though its own could be built."""
    sources = _recipe.hash_sources(_toolchain.find_sources(), cuda=True)
    write(prebuilt, backends=["cpu", "cuda"], architectures=built_for, cuda="13", sources=sources)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert ("cuda" in _prebuilt.find_prebuilt(_prebuilt.FOLDER, (gpu,))[1]) is served


def test_a_gpu_prefers_a_library_made_for_it_to_one_without_cuda(
    prebuilt: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Library(Path("made.so"), ("cpu", "cuda"), "of a test")
    monkeypatch.setattr(_library, "_load", lambda *values: Library(*values))
    monkeypatch.setattr(_toolchain, "visible_architectures", lambda: ("90",))
    monkeypatch.setattr(_recipe, "gpu_recipe", lambda *_: None)
    monkeypatch.setattr(_library, "_make", lambda recipe: made)
    write(prebuilt)
    assert _library._find(gpus=True) == made


def test_without_nvcc_a_gpu_makes_do_with_what_came_along(prebuilt: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise Unbuildable("nvcc is not found.")

    monkeypatch.setattr(_library, "_load", lambda *values: Library(*values))
    monkeypatch.setattr(_toolchain, "visible_architectures", lambda: ("90",))
    monkeypatch.setattr(_recipe, "gpu_recipe", fail)
    write(prebuilt)
    found = _library._find(gpus=True)
    assert found.devices == ("cpu",) and found.missing == "nvcc is not found" and found.origin.startswith("came with")
