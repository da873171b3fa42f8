"""Building into the cache: once, whole, by several at once, interrupted, failed. The sources are small ones of our own."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nada
from nada.errors import NadaError
from nada.ops import _build, _compile, _recipe
from nada.ops._build import ensure_built, find_built, find_failure, forget
from nada.ops._compile import BuildFailed
from nada.ops._recipe import LIBRARY, Recipe

GOOD = 'extern "C" int nada_probe() { return 7; }\n'
ROOT = str(Path(nada.__file__).parent.parent)
# What another process does; it prints the outcome and leaves out the trial load, which takes a second.
OTHER = """
import sys
from pathlib import Path
from nada.ops import _build, _compile, _recipe
_compile._TRY = "pass"
print(_build.ensure_built(_recipe.cpu_recipe(Path(sys.argv[1]))).path)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; the trial load is left out but where a test is about it."""
    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_compile, "_TRY", "pass")
    return tmp_path / "cache" / "ops"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder, with $igns" / "csrc"
    (folder / "cpu").mkdir(parents=True)
    (folder / "bind.cpp").write_text(GOOD)
    (folder / "cpu" / "one.cpp").write_text('#include "number.h"\nint nada_number() { return number; }\n')
    (folder / "number.h").write_text("constexpr int number = 1;\n")
    return folder


@pytest.fixture
def recipe(sources: Path) -> Recipe:
    try:
        return _recipe.cpu_recipe(sources)
    except NadaError as error:
        pytest.skip(f"nothing can be built on this machine: {error}")


@pytest.fixture
def slow(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A compiler that hangs while a file is there, and writes its process number beside it. Gives that file."""
    wait, script = tmp_path / "wait", tmp_path / "slow-g++"
    wait.touch()
    real = shlex.join(recipe.compiler.command)
    script.write_text(
        f'#!/bin/sh\ncase "$*" in *" -c "*) echo $$ > {tmp_path}/pid.$$; '
        f'while [ -e {wait} ]; do sleep 0.05; done ;; esac\nexec {real} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))
    yield wait
    for pid in pids(tmp_path):  # also where a test fails
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def pids(folder: Path) -> list[int]:
    return [int(path.name.split(".")[1]) for path in folder.glob("pid.*")]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def start(sources: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"}
    # Tests that were started in the background ignore Ctrl-C, and what they start inherits that.
    return subprocess.Popen(
        [sys.executable, "-c", OTHER, str(sources)], env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip


def half_built(cache: Path) -> list[Path]:
    return list(cache.glob(".*.tmp"))


def test_a_library_is_built_once_and_said_once(recipe: Recipe, cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = ensure_built(recipe)
    assert first.fresh and first.path.parent == cache / recipe.key and first.path.name == LIBRARY
    said = capfd.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and "building the fused CPU operators" in said.err
    again = ensure_built(recipe)
    assert again == dataclasses.replace(first, fresh=False)
    assert capfd.readouterr().err == "" and not half_built(cache)


def test_what_fails_is_told_with_its_command_and_not_tried_again(
    recipe: Recipe, sources: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (sources / "cpu" / "one.cpp").write_text("#error this cannot be\n")
    with pytest.raises(BuildFailed, match="one.cpp") as caught:
        ensure_built(recipe)
    failure = caught.value.failure
    assert failure.command.startswith(recipe.compiler.command[0]) and "-c" in failure.command
    assert "this cannot be" in failure.output and "this cannot be" in Path(failure.log).read_text()
    capfd.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(_build, "compile_library", None)
        with pytest.raises(BuildFailed) as again:
            ensure_built(recipe)
    assert again.value.failure == failure and capfd.readouterr().err == "" and not half_built(cache)
    forget(recipe)
    assert find_failure(recipe) is None and not Path(failure.log).exists()
    with pytest.raises(BuildFailed):  # tried anew
        ensure_built(recipe)
    assert "building" in capfd.readouterr().err


def test_a_library_that_brings_its_process_down_is_a_failed_build(
    recipe: Recipe, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does whose operators are registered twice, or that uses instructions which the CPU lacks."""
    monkeypatch.setattr(_compile, "_TRY", "import ctypes, sys; ctypes.CDLL(sys.argv[1])")
    (sources / "bind.cpp").write_text("#include <cstdlib>\nstatic const int dead = (std::abort(), 0);\n")
    with pytest.raises(BuildFailed, match="does not load .killed by SIGABRT"):
        ensure_built(recipe)
    assert find_built(recipe) is None and find_failure(recipe) is not None


def test_sources_that_change_under_the_build_are_not_cached_as_what_they_were(
    recipe: Recipe, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = _build.compile_library

    def disturbed(*args: object) -> Path:
        library = real(*args)
        (sources / "number.h").write_text("constexpr int number = 2;\n")
        return library

    monkeypatch.setattr(_build, "compile_library", disturbed)
    old = recipe.key
    built = ensure_built(recipe)
    assert built.path.parent.name == dataclasses.replace(recipe).key != old
    assert find_built(recipe) is None and recipe.key == old

    def restless(*args: object) -> Path:
        (sources / "number.h").write_text((sources / "number.h").read_text() + "// more\n")
        return real(*args)

    monkeypatch.setattr(_build, "compile_library", restless)
    (sources / "number.h").write_text("constexpr int number = 3;\n")
    with pytest.raises(NadaError, match="has changed while it was built"):
        ensure_built(_recipe.cpu_recipe(sources))


def test_a_build_that_hangs_is_stopped_with_all_it_has_started(slow: Path, sources: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="stopped after 2 s"):
        ensure_built(_recipe.cpu_recipe(sources), limit=2.0)
    assert pids(tmp_path)
    wait_for(lambda: not any(map(is_alive, pids(tmp_path))))


def test_ctrl_c_stops_the_compilers_and_leaves_a_usable_cache(
    slow: Path, sources: Path, cache: Path, tmp_path: Path
) -> None:
    process = start(sources)
    wait_for(lambda: bool(pids(tmp_path)))
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=30)[1]
    assert "KeyboardInterrupt" in error and process.returncode != 0
    wait_for(lambda: not any(map(is_alive, pids(tmp_path))))
    recipe = _recipe.cpu_recipe(sources)
    assert not half_built(cache) and find_failure(recipe) is None and find_built(recipe) is None
    slow.unlink()
    assert ensure_built(recipe).fresh


def test_what_a_killed_process_leaves_is_ignored_and_later_cleared(
    slow: Path, sources: Path, cache: Path, tmp_path: Path
) -> None:
    process = start(sources)
    wait_for(lambda: bool(pids(tmp_path)))
    process.kill()
    process.communicate(timeout=30)
    slow.unlink()
    recipe = _recipe.cpu_recipe(sources)
    (left,) = half_built(cache)
    assert ensure_built(recipe).fresh and half_built(cache) == [left]  # it may belong to somebody who is at work
    os.utime(left, (0, 0))
    forget(recipe)
    assert ensure_built(recipe).fresh and not half_built(cache)


def test_a_library_that_nobody_has_asked_for_is_removed(sources: Path, recipe: Recipe, cache: Path) -> None:
    """Catches a cache that grows with every new torch, and one that loses what is in use."""
    unused, used = ensure_built(recipe).path, []
    for number in (2, 3):
        (sources / "number.h").write_text(f"constexpr int number = {number};\n")
        used.append(_recipe.cpu_recipe(sources))
        ensure_built(used[-1])
    log = cache / "of-another-torch.log"
    log.write_text("what its compiler said")
    for path in [*cache.glob("*/build.json"), log]:
        os.utime(path, (0, 0))
    assert all(find_built(one) for one in used)
    (sources / "number.h").write_text("constexpr int number = 4;\n")
    assert ensure_built(_recipe.cpu_recipe(sources)).fresh
    assert not unused.exists() and not log.exists()
    assert all(find_built(one) for one in used)


def test_two_processes_that_build_at_once_both_get_the_library(
    slow: Path, sources: Path, cache: Path, tmp_path: Path
) -> None:
    processes = [start(sources), start(sources)]
    wait_for(lambda: len(half_built(cache)) == 2)
    slow.unlink()
    results = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], results
    assert {out.strip() for out, _ in results} == {str(cache / _recipe.cpu_recipe(sources).key / LIBRARY)}
    assert not half_built(cache) and len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("broken", ["cut", "empty", "no record", "record of nonsense"])
def test_a_broken_cached_library_is_built_again(recipe: Recipe, broken: str) -> None:
    """A cut library would end the process with a bus error if it were loaded."""
    path = ensure_built(recipe).path
    whole = path.read_bytes()
    if broken in ("cut", "empty"):
        path.write_bytes(whole[: len(whole) // 2] if broken == "cut" else b"")
    elif broken == "no record":
        (path.parent / "build.json").unlink()
    else:
        (path.parent / "build.json").write_text(json.dumps(["nonsense"]))
    again = ensure_built(recipe)
    assert again.fresh and again.path == path and find_built(recipe) is not None


def test_a_cache_that_cannot_be_written_is_an_error_that_names_it(
    recipe: Recipe, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> str:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(_build.tempfile, "mkdtemp", refuse)
        with pytest.raises(NadaError, match="the file system is read-only; choose another folder with NADA_CACHE"):
            ensure_built(recipe)
    (tmp_path / "file").touch()
    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "file"))
    with pytest.raises(NadaError, match="a part of the path is a file"):
        ensure_built(recipe)
