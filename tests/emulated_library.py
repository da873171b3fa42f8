"""Builds the CUDA kernels for a CPU, over `ops/emulator`, as operators of the namespace `nada_emulated`."""

from __future__ import annotations

import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "csrc"
_EMULATOR = ROOT / "tests" / "ops" / "emulator" / "cuda_emulator.h"
_TORCH = Path(torch.__file__).parent
_FLAGS = ("-std=c++20", "-U_FORTIFY_SOURCE", "-fPIC", "-fvisibility=hidden", "-DNADA_EMULATED", f"-I{SOURCES}")
# Stops the process at a vector access that is not aligned and at an index beyond an array.
_CHECKS = ("-fsanitize=alignment,bounds", "-fsanitize-undefined-trap-on-error", "-fno-strict-aliasing")
_KERNELS = ("-O1", *_CHECKS, "-Wall", "-Werror", "-Wno-unknown-pragmas", "-x", "c++", "-include", str(_EMULATOR))
_HEADERS = ("-isystem", str(_TORCH / "include"), "-isystem", str(_TORCH / "include/torch/csrc/api/include"))


def build(folder: Path) -> Path:
    """Compile the kernels and `bind.cpp` into a library in `folder`; skip the test where that cannot be."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("this C library has no contexts: the emulated kernels cannot be built")
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not on this machine: the emulated kernels cannot be built")
    jobs = []
    for source in (*sorted((SOURCES / "cuda").glob("*.cu"), key=lambda path: -path.stat().st_size), SOURCES / "bind.cpp"):
        flags = _KERNELS if source.suffix == ".cu" else ("-O0", *_HEADERS)
        jobs.append([compiler, *_FLAGS, *flags, "-c", str(source), "-o", str(folder / f"{source.stem}.o")])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_run, jobs))
    library = folder / "libnada_emulated.so"
    objects = [job[-1] for job in jobs]
    _run([compiler, "-shared", *objects, "-o", str(library), f"-L{_TORCH / 'lib'}", "-lc10", "-ltorch_cpu", "-ltorch"])
    return library


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[-4000:]}"
