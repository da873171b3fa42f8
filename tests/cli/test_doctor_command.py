"""`nada doctor`: what it says of a machine that is well, and of one that is not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from nada import ops
from nada.cli import doctor
from nada.errors import NadaError
from nada.ops import _build, _checks, _library, _recipe, _report, _toolchain

NAMES = ["nada", "python", "platform", "torch", "cpu", "compiler", "ninja", "nvcc", "gpu", "cache", "NADA_OPS", "in"]


def run(*args: str) -> Result:
    return CliRunner().invoke(doctor.command, list(args))


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As in a fresh process with an empty cache and a compiler that fails while a file is there. Gives that file."""
    for name, value in {"_active": "", "_served": {}, "_told": set(), "_library": None, "_problem": None}.items():
        monkeypatch.setattr(_library, name, value)
    script, ill = tmp_path / "ill-g++", tmp_path / "ill"
    ill.touch()
    script.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo ill 1.0 && exit\n'
        f"[ -e {ill} ] && echo I have lost my headers >&2 && exit 3\n"
        'while [ "$1" != -o ]; do shift; done\ntouch "$2"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))
    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NADA_OPS", raising=False)
    try:
        _recipe.cpu_recipe()
    except NadaError as error:
        pytest.skip(f"nothing can be built on this machine: {error}")
    return ill


def test_a_machine_that_is_well(compiled_operators: None) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert set(NAMES) <= {line.split()[0] for line in result.output.splitlines()}
    assert "in use    fused CPU" in result.output and "bias_act on the CPU agrees" in result.output
    report = json.loads(run("--json").stdout)
    assert report["healthy"] and report["bodies"] == "compiled" and Path(report["library"]).is_file()


def only_where(wrong: Callable[[torch.Tensor], bool]) -> Callable[..., torch.Tensor]:
    """A `bias_act` whose compiled body has a wrong result for such tensors."""
    return lambda x, *a, **k: ops.bias_act(x, *a, **k) + (0.1 if _library.compiled() and wrong(x) else 0)


def wrong_backwards(x: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
    y = ops.bias_act(x, *args, **options)
    return 2 * y - y.detach() if _library.compiled() else y


@pytest.mark.parametrize(
    ("body", "case"),
    [
        (only_where(lambda x: True), "float32, contiguous, 2x8x8x16"),
        (only_where(lambda x: x.dtype == torch.bfloat16), "bfloat16, contiguous, 2x8x8x16"),
        (only_where(lambda x: not x.is_contiguous()), "float32, channels last, 2x8x8x16"),
        (only_where(lambda x: x.shape[1] % 2 == 1), "float32, contiguous, 2x5x6x10"),
        (lambda *a, **k: only_where(lambda x: True)(*a, **k) * float("nan"), "float32, contiguous, 2x8x8x16"),
        (wrong_backwards, "float32, contiguous, 2x8x8x16"),
    ],
    ids=["everywhere", "16 bit", "channels last", "odd", "NaN", "backwards"],
)
def test_a_check_that_disagrees_is_an_illness(
    compiled_operators: None, monkeypatch: pytest.MonkeyPatch, body: Any, case: str
) -> None:
    """The check must compare the compiled operator with another one, in every way that a run uses it."""
    monkeypatch.setattr(_checks, "bias_act", body)
    result = run()
    (line,) = [line for line in result.output.splitlines() if "bias_act on the CPU DISAGREES" in line]
    assert result.exit_code == 1 and line.endswith(f"; {case})")
    assert "upfirdn2d on the CPU agrees" in result.output


def test_a_failed_build_is_told_with_its_command_and_output(fresh: Path) -> None:
    result = run()
    assert result.exit_code == 1
    assert f"{fresh.parent}/ill-g++ -std=c++20" in result.output and "-c " in result.output
    assert result.output.count("  I have lost my headers") == 1 and "nada doctor --rebuild" in result.output
    (failure,) = json.loads(run("--json").stdout)["failures"]
    assert Path(failure["log"]).is_file() and failure["output"] == "I have lost my headers"


def test_rebuild_tries_again_what_has_failed(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the key has changed when a missing header has been installed."""
    loaded: list[Path] = []
    monkeypatch.setattr(_library, "_load", lambda path, *rest: loaded.append(path) or _library.Library(path, *rest))
    monkeypatch.setattr("nada.ops._compile._TRY", "pass")
    monkeypatch.setattr(doctor, "_checks", lambda devices: [])
    assert run().exit_code == 1
    fresh.unlink()
    monkeypatch.setattr(_library, "_problem", None)
    assert run().exit_code == 1 and not loaded  # another process believes what the first one has seen
    monkeypatch.setattr(_library, "_problem", None)
    assert run("--rebuild").exit_code == 0 and loaded[0].is_relative_to(_build.operators_folder())


def test_rebuild_is_refused_once_the_library_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_library, "_library", _library.Library(Path("x"), ("cpu",), "of a test"))
    monkeypatch.setattr(_build, "forget", None)
    assert "fresh process" in str(run("--rebuild").exception)


def test_what_was_asked_off_is_no_illness_and_builds_nothing(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NADA_OPS", "reference")
    result = run()
    assert result.exit_code == 0 and "torch kernels; NADA_OPS=reference asks" in result.output
    assert not (fresh.parent / "cache").exists()


def test_a_missing_compiler_is_named_and_so_is_the_cure(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    result = run()
    assert result.exit_code == 1 and "correct or unset CXX" in result.output


def test_a_system_that_is_not_supported_is_not_ill(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_toolchain, "is_supported", lambda: False)
    result = run()
    assert result.exit_code == 0 and "no fault of this installation" in result.output


def test_a_gpu_that_is_not_served_is_an_illness(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Any = _report.library_report()
    ill = {**real, "mode": "auto", "devices": [], "reason": "nvcc is not found", "gpus": ["H200"]}
    monkeypatch.setattr(_report, "library_report", lambda: ill)
    result = run()
    assert result.exit_code == 1 and "; nvcc is not found" in result.output and "gpu       H200" in result.output


def test_kernels_without_a_gpu_to_run_them_are_no_illness(compiled_operators: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a login node: the library that came along has kernels, and asking for a GPU is an error of torch's."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    both = dataclasses.replace(_library.obtain(), devices=("cpu", "cuda"))
    monkeypatch.setattr(_library, "_library", both)
    result = run()
    assert result.exit_code == 0 and result.exception is None, result.output
    assert "on the CPU agrees" in result.output and "CUDA agrees" not in result.output


def test_a_device_that_cannot_be_used_is_told_and_ends_nothing(compiled_operators: None) -> None:
    """A GPU in a bad state is an error of torch's, of whatever type, also outside of our operators."""
    checks = doctor._checks(["cpu", "cuda:77"])
    assert [check["agrees"] for check in checks] == 5 * [True] + 6 * [False]
    assert all(check["problem"] in doctor._describe_check(check) for check in checks[5:])


class Gpu:
    """Stands in for torch's graphs on a machine without a GPU: what is captured is what `again` does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, again: Callable[[torch.Tensor, torch.Tensor], object]) -> None:
        self.x, self.y, self.again = torch.empty(0), torch.empty(0), again
        monkeypatch.setattr(_checks, "bias_act", self.bias_act)
        for name in ("device", "graph", "Stream", "synchronize"):
            monkeypatch.setattr(torch.cuda, name, lambda *a, **k: nullcontext())
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: SimpleNamespace(replay=lambda: self.again(self.x, self.y)))

    def bias_act(self, x: torch.Tensor, **options: Any) -> torch.Tensor:
        self.x, self.y = x, ops.bias_act(x, **options)
        return self.y


@pytest.mark.parametrize("works", [True, False])
def test_a_graph_that_does_not_replay_is_an_illness(
    compiled_operators: None, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    """A kernel on another stream than torch's is captured as nothing, and the result stays that of the first call."""
    Gpu(monkeypatch, lambda x, y: y.copy_(torch.where(x < 0, 0.2 * x, x)) if works else None)
    check = _checks.check_graph("cpu")
    assert check["agrees"] is works and "problem" not in check


def test_each_gpu_is_tried_and_one_that_is_left_to_torch_is_an_illness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_library, "_library", _library.Library(Path("x"), ("cpu", "cuda"), "of a test"))
    monkeypatch.delenv("NADA_OPS", raising=False)
    monkeypatch.setattr(_report, "_gpus", lambda: (["RTX 4090", "GTX 1080"], ""))
    monkeypatch.setattr(_report, "try_gpu", lambda device: "no kernel image" if device == "cuda:1" else "")
    report = _report.library_report()
    assert report["devices"] == ["cpu", "cuda:0"] and report["reason"] == "they do not serve cuda:1: no kernel image"


def test_a_gpu_that_torch_cannot_use_is_told(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name and its architecture are errors of torch's then; the doctor is asked just because of that."""
    fresh.unlink()
    monkeypatch.setattr("nada.ops._compile._TRY", "pass")
    monkeypatch.setattr(_library, "_load", lambda path, *rest: _library.Library(path, *rest))
    monkeypatch.setattr(doctor, "_checks", lambda devices: [])

    def fail(*_: object) -> None:
        raise RuntimeError("CUDA unknown error\nand more")

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    for name, value in {"is_available": lambda: True, "device_count": lambda: 1}.items():
        monkeypatch.setattr(torch.cuda, name, value)
    for name in ("get_device_capability", "get_device_name"):
        monkeypatch.setattr(torch.cuda, name, fail)
    result = run()
    assert result.exit_code == 1 and "fused CPU kernels; torch cannot use the GPU: CUDA unknown error" in result.output
