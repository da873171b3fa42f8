"""What a library is built with, and the key that it is cached under. The sources are small ones of our own."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from nada.errors import NadaError
from nada.ops import _recipe, _toolchain
from nada.ops._recipe import Recipe
from nada.ops._toolchain import Tool


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "csrc"
    (folder / "cpu").mkdir(parents=True)
    for name in ("bind.cpp", "cpu/one.cpp", "number.h"):
        (folder / name).write_text(f"// {name}\n")
    return folder


@pytest.fixture
def recipe(sources: Path) -> Recipe:
    try:
        return _recipe.cpu_recipe(sources)
    except NadaError as error:
        pytest.skip(f"nothing can be built on this machine: {error}")


@pytest.mark.parametrize("name", ["bind.cpp", "cpu/one.cpp", "number.h"])
def test_the_key_follows_every_source(recipe: Recipe, sources: Path, name: str) -> None:
    before = recipe.key
    (sources / name).write_text((sources / name).read_text() + "// changed\n")
    assert dataclasses.replace(recipe).key != before


def test_the_key_is_of_names_and_contents_not_of_the_place(recipe: Recipe, sources: Path, tmp_path: Path) -> None:
    shutil.copytree(sources, tmp_path / "elsewhere")
    assert dataclasses.replace(recipe, sources=tmp_path / "elsewhere").key == recipe.key
    (tmp_path / "elsewhere/cpu/one.cpp").rename(tmp_path / "elsewhere/cpu/two.cpp")
    assert dataclasses.replace(recipe, sources=tmp_path / "elsewhere").key != recipe.key


def test_the_key_follows_the_tools_and_the_machine(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a cluster with a shared home, a node must not run what a newer one has compiled for itself."""
    nvcc = Tool(("nvcc",), "release 13.0")
    others = [
        dataclasses.replace(recipe, compiler=Tool(recipe.compiler.command, "another version")),
        dataclasses.replace(recipe, compiler=Tool(("another-g++",), recipe.compiler.version)),
        dataclasses.replace(recipe, level=_recipe.portable_level()),
        dataclasses.replace(recipe, nvcc=nvcc, architectures=("90",)),
        dataclasses.replace(recipe, nvcc=nvcc, architectures=("75", "90")),
        dataclasses.replace(recipe, nvcc=Tool(("nvcc",), "release 13.1"), architectures=("90",)),
    ]
    keys = [recipe.key, *(other.key for other in others)]
    changes = [
        (_recipe, "_CXX_FLAGS", (*_recipe._CXX_FLAGS, "-g")),
        (_recipe.torch, "__version__", "2.99.0"),
        (_toolchain, "cpu_identity", lambda: "an older CPU"),
        (_recipe.platform, "machine", lambda: "aarch64"),
        (_recipe.platform, "libc_ver", lambda: ("glibc", "2.17")),
    ]
    for owner, name, value in changes:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, value)
            keys.append(dataclasses.replace(recipe).key)
    with monkeypatch.context() as patch:
        patch.setenv("CPATH", "elsewhere")
        keys.append(dataclasses.replace(recipe).key)
    assert len(set(keys)) == len(keys)


def test_a_library_for_other_machines_does_not_hang_on_this_cpu(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    portable = dataclasses.replace(recipe, level=_recipe.portable_level())
    assert "native" not in portable.ninja_file() and "native" in recipe.ninja_file()
    key = portable.key
    monkeypatch.setattr(_toolchain, "cpu_identity", lambda: "an older CPU")
    assert dataclasses.replace(portable).key == key


def test_the_library_with_cuda_is_linked_with_the_runtime_that_is_beside_nvcc(
    recipe: Recipe, sources: Path, tmp_path: Path
) -> None:
    """pip's wheels have it in a folder that their nvcc does not search, and the link would fail."""
    (sources / "cuda").mkdir()
    (sources / "cuda" / "two.cu").touch()
    (tmp_path / "cu13" / "lib").mkdir(parents=True)
    nvcc = Tool((str(tmp_path / "cu13/bin/nvcc"),), "release 13.0")
    other = dataclasses.replace(recipe, nvcc=nvcc, architectures=("75", "90"))
    assert "-L" + str(tmp_path) not in other.ninja_file() and "two.cu" not in recipe.ninja_file()
    (tmp_path / "cu13/lib/libcudart_static.a").touch()
    text = other.ninja_file()
    assert f"-cudart static -L{tmp_path}/cu13/lib $in" in text and "arch=compute_75,code=[sm_75,compute_75]" in text
    assert "build cuda-two.o: nvcc " in text and text.count("-DNADA_CUDA ") == 2 and "-ccbin" in text


def test_the_library_without_cuda_does_not_hang_on_the_sources_for_it(recipe: Recipe, sources: Path) -> None:
    key = recipe.key
    (sources / "cuda").mkdir()
    (sources / "cuda" / "two.cu").touch()
    assert dataclasses.replace(recipe).key == key
    other = dataclasses.replace(recipe, nvcc=Tool(("nvcc",), ""), architectures=("90",))
    before = other.key
    (sources / "cuda" / "two.cu").write_text("// changed\n")
    assert dataclasses.replace(other).key != before
