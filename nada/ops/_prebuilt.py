"""The library of fused operators that an installation may bring along, built with `NADA_BUILD_OPS=1 pip install`."""

from __future__ import annotations

import platform
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from nada.errors import NadaError
from nada.files import read_json, write_json
from nada.ops import _recipe, _toolchain
from nada.ops._compile import compile_library
from nada.ops._recipe import LIBRARY
from nada.ops._toolchain import Unbuildable

FOLDER = Path(__file__).parent / "_compiled"
_INFO = "library.json"


def find_prebuilt(folder: Path, architectures: tuple[str, ...] = ()) -> tuple[Path, tuple[str, ...]]:
    """Return the library and the kinds of device that it serves here. Raises Unbuildable, saying why not.

    It serves GPUs if it serves all of these `architectures`, such as `("90",)`; empty to leave that open.
    """
    if not (folder / LIBRARY).is_file():
        raise Unbuildable("this installation brings none")
    try:
        info = read_json(folder / _INFO)
        _check(info)
        backends = (name for name in info["backends"] if name == "cpu" or _serves_gpus(info, architectures))
        return folder / LIBRARY, tuple(backends)
    except NadaError as error:
        raise Unbuildable(str(error)) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unbuildable(f"{folder / _INFO} is not as it was written") from error


def _check(info: dict[str, Any]) -> None:
    """Raise Unbuildable where the library cannot run; loading it anyway would end the process."""
    target = tuple(int(part) for part in info["torch"].split("."))
    if target > _recipe.minor_version() or target[0] != _recipe.minor_version()[0]:
        raise Unbuildable(f"it was built with torch {info['torch']}, this is {torch.__version__}")
    if info["machine"] != platform.machine():
        raise Unbuildable(f"it was built for {info['machine']}, this is {platform.machine()}")
    if info["level"] == "x86-64-v3" and torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        raise Unbuildable("it needs a CPU with AVX2 (x86-64-v3), which this one lacks")
    try:
        sources = _recipe.hash_sources(_toolchain.find_sources(), "cuda" in info["backends"])
    except Unbuildable:
        return
    if sources != info["sources"]:
        raise Unbuildable("the C++ sources have changed since it was built")


def _serves_gpus(info: dict[str, Any], architectures: tuple[str, ...]) -> bool:
    """Whether GPUs can run its kernels: exactly theirs, or newer ones from the intermediate code."""
    if not architectures:
        return True  # nothing to run on, but its schemas are complete
    if str(info["cuda"]) != str(torch.version.cuda).split(".")[0]:
        return False
    return all(any(_runs_on(int(gpu), name) for name in info["architectures"]) for gpu in architectures)


def _runs_on(gpu: int, name: str) -> bool:
    """Whether code for an architecture such as "90", "90a" or "100f" runs on a GPU of capability `gpu` / 10."""
    number, suffix = int(name.rstrip("af")), name.lstrip("0123456789")
    if not suffix:
        return number <= gpu  # newer ones take the intermediate code
    return number == gpu or (suffix == "f" and number // 10 == gpu // 10 and number < gpu)


def build_prebuilt(folder: Path) -> Path:
    """Build the library for other machines of this kind into `folder`, with what tells where it runs.

    `NADA_CUDA_ARCHS` names GPU architectures; without it there is no CUDA in the library. Raises NadaError.
    """
    level = _recipe.portable_level()
    if architectures := _toolchain.chosen_architectures():
        recipe = _recipe.cuda_recipe(architectures, torch.version.cuda, level=level)
    else:
        recipe = _recipe.cpu_recipe(level=level)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="nada-ops-") as work:
        library = compile_library(recipe, Path(work), folder.parent / f"{LIBRARY}.log")
        shutil.copyfile(library, folder / LIBRARY)
    info = {
        "torch": "{}.{}".format(*_recipe.minor_version()),
        "machine": platform.machine(),
        "level": level,
        "backends": recipe.backends,
        "architectures": recipe.architectures,
        "cuda": recipe.cuda_major,
        "sources": _recipe.hash_sources(recipe.sources, recipe.nvcc is not None),
    }
    write_json(folder / _INFO, info)
    return folder / LIBRARY
