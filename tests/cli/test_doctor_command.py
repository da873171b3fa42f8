"""`nada doctor`: what it says of a machine that is well, and of one that is not."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from nada import ops
from nada.cli import doctor
from nada.errors import NadaError
from nada.ops import _build, _library, _recipe, _report, _toolchain

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


def test_a_check_that_disagrees_is_an_illness(compiled_operators: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check must compare the compiled operator with another one, not torch's with itself."""
    real = ops.bias_act
    monkeypatch.setattr(ops, "bias_act", lambda *a, **k: real(*a, **k) + (0.1 if _library.compiled() else 0))
    result = run()
    assert result.exit_code == 1 and "bias_act on the CPU DISAGREES" in result.output
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


def test_a_device_that_cannot_be_used_is_told_and_ends_nothing(
    compiled_operators: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU in a bad state is an error of torch's, of whatever type, also outside of our operators."""
    (check, *_) = doctor._checks(["cuda:77"])
    assert not check["agrees"] and check["problem"]
