"""Builds that fail for a reason that passes, or that people can mend, and builds that several processes wait for."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nada.errors import NadaError
from nada.files import write_json
from nada.ops import _build, _compile
from nada.ops._build import Built, ensure_built, find_failure, operators_folder
from nada.ops._compile import BuildFailed
from nada.ops._recipe import LIBRARY, Recipe
from nada.ops._toolchain import Tool

GCC = "#error -- unsupported GNU version! gcc versions later than 14 are not supported! The nvcc flag can be used to"
CLANG = "#error -- unsupported clang version! clang version must be less than 19 and greater than 3.2 . The nvcc flag"


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Built]:
    """Builds something, in an empty cache, by a ninja that says this and ends with that code; counts in `jobs`."""
    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_compile, "_TRY", "pass")
    (tmp_path / "bind.cpp").touch()
    script, jobs = tmp_path / "ninja", tmp_path / "jobs"

    def run(said: str = "", code: int = 0, end: str = "") -> Built:
        (tmp_path / "said").write_text(said)
        script.write_text(f"#!/bin/sh\necho $4 >> {jobs}\ncat {tmp_path}/said\n{end}\ntouch $2/{LIBRARY}\nexit {code}\n")
        script.chmod(0o755)
        return ensure_built(recipe(tmp_path))

    return run


def recipe(folder: Path) -> Recipe:
    return Recipe(folder, Tool(("g++",), "g++ 15"), Tool((str(folder / "ninja"),), "1"))


@pytest.mark.parametrize(
    ("said", "code", "end"),
    [
        ("FAILED: x.o\ng++ -c x.cpp\ng++: fatal error: Killed signal terminated program cc1plus", 1, ""),
        ("FAILED: x.o\nnvcc -c x.cu\nnvcc error   : 'cicc' died due to signal 9 (Kill signal)", 1, ""),
        ("FAILED: [code=137] x.o\ng++ -c x.cpp", 137, ""),
        ("FAILED: x.o\ng++ -c x.cpp\nfatal error: error writing to x.s: No space left on device", 1, ""),
        ("FAILED: x.o\ng++ -c x.cpp\ncc1plus: out of memory allocating 65536 bytes", 1, ""),
        ("", 0, "kill -9 $$"),
    ],
    ids=["gcc killed", "cicc killed", "command killed", "disk full", "memory full", "ninja killed"],
)
def test_what_memory_or_disk_have_stopped_is_tried_again(
    build: Callable[..., Built], tmp_path: Path, said: str, code: int, end: str
) -> None:
    """Nothing is wrong with the machine: remembered, it would cost every later run its fused operators."""
    with pytest.raises(BuildFailed, match="the next start tries again"):
        build(said, code, end)
    assert find_failure(recipe(tmp_path)) is None
    assert build().fresh


def test_a_compiler_that_crashes_by_itself_is_remembered(build: Callable[..., Built], tmp_path: Path) -> None:
    """It would crash again, a minute later, in every run."""
    with pytest.raises(BuildFailed, match="a command of the build fails: nvcc -c x.cu"):
        build("FAILED: [code=255] x.o\nnvcc -c x.cu\n'cicc' died due to signal 11 (Invalid memory reference)", 1)
    assert find_failure(recipe(tmp_path)) is not None


@pytest.mark.parametrize(("said", "advice"), [(GCC, "CXX=g++-14"), (CLANG, "CXX=g++-13")], ids=["gcc", "clang"])
def test_a_compiler_that_nvcc_does_not_take_is_told_with_the_cure(
    build: Callable[..., Built], said: str, advice: str
) -> None:
    """On a system newer than its CUDA. CXX must stay set: the library is cached under the compiler's name."""
    with pytest.raises(BuildFailed) as caught:
        build(f"FAILED: x.o\nnvcc -c x.cu\n/cuda/crt/host_config.h:149:2: error: {said}", 1)
    text = str(caught.value)
    assert "nvcc does not take this C++ compiler (" in text and advice in text and "for all runs" in text
    assert "are not supported);" in text or "greater than 3.2);" in text


# Several processes on one machine, as torchrun starts them.


@pytest.fixture
def second(build: Callable[..., Built], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Built]:
    """`build` in the second of four processes."""
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    monkeypatch.setattr(_build, "_BEGIN", 0.2)
    monkeypatch.setattr(_build, "_PAUSE", 0.02)
    return build


def first(folder: Path, works: bool) -> threading.Thread:
    """What the first process does, in the cache: a build that takes longer than it has to begin."""
    cache, key = operators_folder(), recipe(folder).key
    work = cache / f".{key}.first.tmp"
    work.mkdir(parents=True)

    def finish() -> None:
        time.sleep(0.6)
        if works:
            (cache / key).mkdir()
            (cache / key / LIBRARY).write_bytes(b"")
            empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            write_json(cache / key / "build.json", {"seconds": 1.0, "when": "now", "sha256": empty})
        shutil.rmtree(work)

    thread = threading.Thread(target=finish)
    thread.start()
    return thread


def test_the_others_wait_for_the_library_of_the_first_process(second: Callable[..., Built], tmp_path: Path) -> None:
    """Eight processes with sixteen compilers each want more memory than the machine has."""
    thread = first(tmp_path, works=True)
    assert not second().fresh and not (tmp_path / "jobs").exists()
    thread.join()


def test_the_others_do_not_try_what_the_first_process_had_no_memory_for(
    second: Callable[..., Built], tmp_path: Path
) -> None:
    thread = first(tmp_path, works=False)
    with pytest.raises(NadaError, match="the first process on this machine could not build them"):
        second()
    assert not (tmp_path / "jobs").exists()
    thread.join()


def test_a_process_that_waits_in_vain_builds_with_its_share_of_the_machine(
    second: Callable[..., Built], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process may have no use for the library; that must not be waited for without an end."""
    begin = time.monotonic()
    assert second().fresh and 0.2 <= time.monotonic() - begin < 5.0
    assert (tmp_path / "jobs").read_text().split() == ["3"]
    monkeypatch.setenv("LOCAL_RANK", "0")
    shutil.rmtree(operators_folder())
    assert second().fresh and (tmp_path / "jobs").read_text().split() == ["3", "12"]
