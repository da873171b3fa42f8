"""Which bodies are at work, and what is said when the compiled ones cannot be had."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import nada
from nada import ops
from nada.errors import NadaError, UsageError
from nada.ops import _library
from nada.ops._library import Library

ROOT = Path(nada.__file__).parent.parent
FOUND = Library(Path("library.so"), ("cpu",), "of a test")


pytestmark = pytest.mark.usefixtures("undecided")


def finds(monkeypatch: pytest.MonkeyPatch, result: Library | NadaError) -> list[int]:
    """Make the search end so; the list that is returned grows with every search."""
    searches: list[int] = []

    def find(gpus: bool) -> Library:
        searches.append(1)
        if isinstance(result, NadaError):
            raise result
        return result

    monkeypatch.setattr(_library, "_find", find)
    return searches


def warned(call: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(warning.message) for warning in caught]


def test_by_default_the_library_is_used_and_searched_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    searches = finds(monkeypatch, FOUND)
    assert [_library.active(), _library.active(), _library.describe()] == ["compiled", "compiled", "fused CPU kernels"]
    assert (_library.describe("cpu"), _library.describe("cuda")) == ("fused CPU kernels", "torch kernels")
    assert _library.compiled() and searches == [1]


def test_reference_never_searches_and_never_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NADA_OPS", "reference")
    searches = finds(monkeypatch, NadaError("nothing to be had"))
    assert warned(_library.active) == [] and _library.describe() == "torch kernels" and not searches


def test_without_a_library_one_warning_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    x = torch.randn(1, 2, 3, 3)
    said = warned(lambda: [ops.bias_act(x, torch.ones(2)), ops.bias_act(x, torch.ones(2)), _library.active()])
    assert len(said) == 1 and _library.active() == "reference"
    assert "CXX names no-such-compiler" in said[0] and "NADA_OPS=reference" in said[0] and "nada doctor" in said[0]


def test_without_any_compiler_the_warning_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (said,) = warned(_library.active)
    assert "no C++ compiler is found; install g++" in said


def test_a_broken_compiler_costs_a_warning_with_the_command_and_torch_does_the_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "broken-g++"
    script.write_text('#!/bin/sh\n[ "$1" = --version ] && echo broken 1.0 && exit\necho lost my headers >&2\nexit 3\n')
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))
    x = torch.randn(1, 2, 3, 3)
    results: list[torch.Tensor] = []
    said = warned(lambda: results.append(ops.bias_act(x, torch.ones(2), act="relu", gain=1.0)))
    assert len(said) == 1 and f"{script} -std=c++20" in said[0]
    torch.testing.assert_close(results[0], torch.relu(x + 1))


def test_a_warning_that_is_an_error_is_still_only_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, NadaError("nothing to be had."))
    with pytest.raises(UserWarning, match="nothing to be had"):
        _library.active()
    assert _library.active() == "reference"


def test_compiled_is_the_library_or_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NADA_OPS", "compiled")
    searches = finds(monkeypatch, NadaError("nothing to be had."))
    for _ in range(2):
        with pytest.raises(NadaError, match="nothing to be had; NADA_OPS=compiled"):
            _library.active()
    assert searches == [1]


def test_an_unknown_choice_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NADA_OPS", "fast")
    with pytest.raises(UsageError, match="'fast'; choose one of auto, reference, compiled"):
        _library.active()
    with pytest.raises(UsageError, match="no bodies 'fast'"), _library.bodies("fast"):
        pass


def test_bodies_are_chosen_for_a_block_and_then_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, FOUND)
    with _library.bodies("reference"):
        assert _library.active() == "reference"
        with _library.bodies("compiled"):
            assert _library.compiled()
        assert not _library.compiled()
    assert _library.active() == "compiled"
    with pytest.raises(ZeroDivisionError), _library.bodies("reference"):
        raise ZeroDivisionError
    assert _library.active() == "compiled"


def test_bodies_that_cannot_be_had_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, NadaError("nothing to be had."))
    with pytest.raises(NadaError, match="nothing to be had"), _library.bodies("compiled"):
        pass


def test_threads_that_ask_at_once_cause_one_search(monkeypatch: pytest.MonkeyPatch) -> None:
    searches, gate = finds(monkeypatch, FOUND), threading.Barrier(4)
    threads = [threading.Thread(target=lambda: (gate.wait(), _library.active())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert searches == [1]


@pytest.mark.parametrize("decided", [False, True])
def test_a_traced_function_sees_the_bodies_that_are_chosen(monkeypatch: pytest.MonkeyPatch, decided: bool) -> None:
    """The search may happen while a function is traced, and a later choice must not be lost to what was traced."""
    finds(monkeypatch, FOUND)
    if decided:
        _library.active()
    torch._dynamo.reset()
    traced = torch.compile(lambda x: x + 1 if _library.compiled(x) else x - 1, backend="eager", fullgraph=True)
    x = torch.zeros(2)
    assert traced(x)[0] == 1 and _library.active() == "compiled"
    with _library.bodies("reference"):
        assert traced(x)[0] == -1
    assert traced(x)[0] == 1


def test_importing_the_package_builds_nothing(tmp_path: Path) -> None:
    code = "import nada.ops, nada.models; from nada.ops import _library; print(repr(_library._active), _library._library)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["''", "None"] and not (tmp_path / "cache").exists()


# For real.


def test_the_real_library_serves_this_process(compiled_operators: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert _library.active() == "compiled" and Path(_library.obtain().path).is_file()
    x = torch.randn(2, 3, 5, 4)
    wanted = ops.bias_act_reference(x, torch.ones(3), act="lrelu")
    torch.testing.assert_close(ops.bias_act(x, torch.ones(3), act="lrelu"), wanted)
