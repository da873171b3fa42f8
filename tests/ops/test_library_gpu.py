"""Which GPUs the library serves: those that are here, those that ask, those on which its kernels run."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from nada.errors import NadaError, UsageError
from nada.ops import _build, _library, _recipe, _toolchain, _trial
from nada.ops._build import Built
from nada.ops._library import Library
from nada.ops._recipe import Recipe
from nada.ops._toolchain import Tool, Unbuildable

pytestmark = pytest.mark.usefixtures("undecided")


def warned(call: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(warning.message) for warning in caught]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """A machine with a GPU and every tool; the list that is given grows with the devices of every library made."""
    made: list[tuple[str, ...]] = []
    tool = Tool(("tool",), "release 13.0")

    def make(recipe: _recipe.Recipe, missing: str = "") -> Library:
        made.append(recipe.backends)
        return Library(Path("library.so"), recipe.backends, "of a test", missing)

    monkeypatch.setattr(_library, "_make", make)
    monkeypatch.setattr(_library, "try_gpu", lambda device: "")
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(_toolchain, "visible_architectures", lambda: ("90",))
    for name in ("find_compiler", "find_ninja"):
        monkeypatch.setattr(_toolchain, name, lambda: tool)
    monkeypatch.setattr(_toolchain, "find_nvcc", lambda cuda=None: tool)
    monkeypatch.setattr(_recipe, "_has_cuda_sources", lambda sources: True)
    return made


def on(device: str) -> Any:
    """What is asked of a tensor on a GPU that this machine need not have."""
    return SimpleNamespace(device=torch.device(device))


def test_a_gpu_gets_a_library_of_its_own(gpu: list[tuple[str, ...]]) -> None:
    assert warned(_library.active) == [] and gpu == [("cpu", "cuda")]
    assert _library.describe() == "fused CPU and CUDA kernels"


def test_without_nvcc_the_gpu_has_torch_and_the_cpu_the_library(
    gpu: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(cuda: str | None = None) -> Tool:
        raise Unbuildable("nvcc is not found; install the CUDA 13.0 toolkit or set CUDA_HOME")

    monkeypatch.setattr(_toolchain, "find_nvcc", fail)
    (said,) = warned(lambda: [_library.describe("cuda"), _library.active("cuda:0"), _library.active("cuda:1")])
    assert "serve the CPU alone: nvcc is not found" in said and gpu == [("cpu",)]
    assert _library.compiled(torch.zeros(1)) and not _library.compiled(torch.zeros(1, device="meta"))
    assert not _library.compiled(on("cuda:0"))
    monkeypatch.setenv("NADA_OPS", "compiled")
    monkeypatch.setattr(_library, "_served", {})
    assert _library.compiled(torch.zeros(1))
    for _ in range(2):
        with pytest.raises(NadaError, match="nvcc is not found"):
            _library.compiled(on("cuda:0"))


def test_a_run_on_the_cpu_builds_and_says_nothing_for_the_gpu_that_is_there(
    gpu: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--device cpu` must not wait for nvcc, nor be warned or ended because of what only a GPU needs."""
    monkeypatch.setenv("NADA_OPS", "compiled")
    assert warned(lambda: _library.describe("cpu")) == [] and _library.compiled(torch.zeros(1))
    assert gpu == [("cpu",)] and _library.describe("cpu") == "fused CPU kernels"


def test_a_gpu_that_comes_after_a_run_on_the_cpu_is_told_what_to_do(gpu: list[tuple[str, ...]]) -> None:
    """A process can load one library; that the one for the CPU was first must not pass in silence."""
    _library.describe("cpu")
    (said,) = warned(lambda: [_library.compiled(on("cuda:0")), _library.compiled(on("cuda:0"))])
    assert "chose the CPU first" in said and "run 'nada doctor' once" in said and gpu == [("cpu",)]
    assert not _library.compiled(on("cuda:0")) and _library.compiled(torch.zeros(1))


@pytest.mark.parametrize("way", ["there is one", "the GPU is in use", "an operator"])
def test_a_gpu_is_served_after_the_cpu_where_nobody_chose_the_cpu_or_nothing_is_to_be_built(
    gpu: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Loading a generator for a GPU may compute its mean style on the CPU first, which is no choice."""
    if way == "there is one":
        monkeypatch.setattr(_build, "find_built", lambda recipe: Built(Path("library.so"), 1.0, "today"))
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: way == "the GPU is in use")
    if way != "an operator":
        _library.describe("cpu")
    assert _library.compiled(torch.zeros(1)) and gpu == [("cpu", "cuda")]
    assert warned(lambda: _library.compiled(on("cuda:0"))) == [] and _library.compiled(on("cuda:0"))


def test_a_gpu_on_which_no_kernel_starts_is_left_to_torch_and_the_others_are_not(
    gpu: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library may load and hold nothing that runs: other architectures, a driver that is too old."""
    tried: list[str] = []

    def launch(device: str) -> str:
        tried.append(device)
        return "no kernel image is available" if device == "cuda:1" else ""

    monkeypatch.setattr(_library, "try_gpu", launch)
    said = warned(lambda: [_library.compiled(on(f"cuda:{index}")) for index in (0, 1, 0, 1)])
    assert len(said) == 1 and "do not serve cuda:1: no kernel image is available" in said[0] and "nada doctor" in said[0]
    assert _library.compiled(on("cuda:0")) and not _library.compiled(on("cuda:1")) and tried == ["cuda:0", "cuda:1"]
    assert [_library.describe(name) for name in ("cuda:1", "cuda")] == ["torch kernels", "fused CPU and CUDA kernels"]
    monkeypatch.setenv("NADA_OPS", "compiled")
    monkeypatch.setattr(_library, "_served", {})
    with pytest.raises(NadaError, match="cuda:1: no kernel image"):
        _library.compiled(on("cuda:1"))


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (lambda x: x * 2, ""),
        (lambda x: x, "wrong numbers"),
        (lambda x: x * float("nan"), "wrong numbers"),
        (lambda x: 1 / 0, "division by zero"),
    ],
)
def test_the_trial_tells_a_kernel_that_works_from_one_that_does_not(
    monkeypatch: pytest.MonkeyPatch, result: Callable[[torch.Tensor], torch.Tensor], problem: str
) -> None:
    """Also where the first operator is met while a function is traced: the trial must have real tensors."""
    monkeypatch.setattr(torch.ops, "nada", SimpleNamespace(bias_act=lambda x, *rest: result(x)))
    with torch._subclasses.FakeTensorMode():
        said = _trial.try_gpu("cpu")
    assert problem in said and bool(said) == bool(problem)


def test_an_nvcc_of_another_major_version_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The runtime that it links in may ask for a newer driver than torch's own does."""
    script = tmp_path / "bin" / "nvcc"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho 'Cuda compilation tools, release 13.0, V13.0.88'\n")
    script.chmod(0o755)
    broken = tmp_path / "broken-nvcc"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setattr(_toolchain, "_nvcc_places", lambda: [tmp_path / "none", broken, script])
    assert _toolchain.find_nvcc("13.2").command == (str(script),)
    monkeypatch.setattr(_toolchain, "_nvcc_places", lambda: [script, broken])
    with pytest.raises(Unbuildable, match="torch has CUDA 12.6 but nvcc is .*13.0"):
        _toolchain.find_nvcc("12.6")


@pytest.mark.parametrize(
    ("here", "chosen"),
    [
        (("61", "89"), ("80",)),  # the display's old GPU is left to torch
        (("86", "120"), ("80", "90")),  # the newest ones run the intermediate code
        (("90",), ("90",)),
        (("100", "103"), ("90",)),
    ],
    ids=str,
)
def test_a_gpu_that_nvcc_does_not_know_takes_nothing_from_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, here: tuple[str, ...], chosen: tuple[str, ...]
) -> None:
    """nvcc ends at the first architecture that it does not know, and the failure is remembered."""
    monkeypatch.setattr(_recipe, "cuda_recipe", lambda names, cuda: Recipe(tmp_path, tool, tool, nvcc(tmp_path), names))
    tool = Tool(("tool",), "release 13.0")
    assert _recipe.gpu_recipe(here).architectures == chosen


def test_gpus_that_nvcc_compiles_nothing_for_are_told(tmp_path: Path) -> None:
    with pytest.raises(Unbuildable, match="the GPU is too old for release 13.0"):
        _toolchain.compilable(("61",), nvcc(tmp_path))
    silent = Tool(("no-such-nvcc",), "")
    assert _toolchain.compilable(("61",), silent) == ("61",)


def nvcc(folder: Path) -> Tool:
    """One that knows three architectures, and a fourth that is for a GPU of its own."""
    script = folder / "nvcc"
    script.write_text("#!/bin/sh\n[ $1 = --list-gpu-arch ] && printf 'compute_%s\\n' 75 80 90 90a\n")
    script.chmod(0o755)
    return Tool((str(script),), "release 13.0")


def test_architectures_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NADA_CUDA_ARCHS", "7.5; 90,9.0 12.0 90a")
    assert _toolchain.chosen_architectures() == ("75", "90", "120", "90a")
    monkeypatch.setenv("NADA_CUDA_ARCHS", "hopper")
    with pytest.raises(UsageError, match="'hopper'"):
        _toolchain.chosen_architectures()
