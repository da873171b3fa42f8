from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from nada import allocator

MAPPINGS = """
import ctypes, sys
from nada.allocator import tune_allocator
if sys.argv[1] == "tuned":
    assert tune_allocator()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
size = 200 << 20
block = libc.malloc(size)
ctypes.memset(block, 1, size)
libc.free(block)
resident = int(open("/proc/self/statm").read().split()[1]) * 4096
print(resident > size)
"""


def _is_glibc() -> bool:
    return sys.platform.startswith("linux") and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")


@pytest.mark.skipif(not _is_glibc(), reason="the settings are glibc's")
@pytest.mark.parametrize(("mode", "kept"), [("tuned", "True"), ("untouched", "False")])
def test_freed_memory_stays_in_the_process_only_when_tuned(mode: str, kept: str) -> None:
    done = subprocess.run([sys.executable, "-c", MAPPINGS, mode], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == kept


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    monkeypatch.setattr(allocator.ctypes, "CDLL", None)
    assert allocator.tune_allocator() is False


@pytest.mark.parametrize(
    ("chosen", "spins"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, "None")],
    ids=["default", "own number", "own policy"],
)
def test_idle_threads_wait_briefly_unless_the_person_has_chosen(chosen: dict[str, str], spins: str) -> None:
    code = "import os; from nada.allocator import tune_threads; tune_threads(); print(os.environ.get('GOMP_SPINCOUNT'))"
    clean = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run([sys.executable, "-c", code], env={**clean, **chosen}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == spins


def test_threads_are_left_alone_once_torch_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """libgomp has read its environment by then; a setting would only mislead child processes."""
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setitem(sys.modules, "torch", sys)
    assert allocator.tune_threads() is False and "GOMP_SPINCOUNT" not in os.environ
