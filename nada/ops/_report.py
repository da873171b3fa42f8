"""Everything about the fused operators that `nada doctor` prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from nada.errors import NadaError
from nada.ops import _build, _library, _prebuilt, _recipe, _toolchain
from nada.ops._library import Library
from nada.ops._recipe import Recipe
from nada.ops._toolchain import Tool
from nada.ops._trial import try_gpu


def library_report() -> dict[str, Any]:
    """Return which bodies are at work and why; loads the library, or builds it, unless `NADA_OPS=reference`.

    Keys: mode, bodies, kernels, devices (those here whose tensors the library takes, such as "cpu" and "cuda:0"), reason
    (why not the compiled bodies, or not on every GPU; may be empty), supported (whether they are meant for this system),
    library, origin, prebuilt, sources, cpu, compiler, ninja, nvcc, gpus, cache, keys, failures (of builds: problem,
    command, output, log).
    """
    mode = _library.mode()
    library, reason = None, "NADA_OPS=reference asks for torch's own"
    if mode != _library.REFERENCE:
        try:
            library = _library.obtain()
            reason = library.missing
        except NadaError as error:
            reason = str(error).rstrip(".")
    recipes = current_recipes()
    failures = [failure for recipe in recipes if not _build.find_built(recipe) and (failure := _build.find_failure(recipe))]
    gpus, broken = _gpus()
    unserved = _unserved(library, len(gpus)) if library else {}
    devices = [name for name in ("cpu", *_names(len(gpus))) if library and name not in unserved]
    return {
        "mode": mode,
        "bodies": _library.COMPILED if library else _library.REFERENCE,
        "kernels": _library.name_kernels(library.devices if library else ()),
        "devices": devices,
        "reason": reason or broken or _first(unserved),
        "supported": _toolchain.is_supported(),
        "library": str(library.path) if library else None,
        "origin": library.origin if library else None,
        "prebuilt": _or_problem(lambda: str(_prebuilt.find_prebuilt(_prebuilt.FOLDER)[0])),
        "sources": _or_problem(lambda: str(_toolchain.find_sources())),
        "cpu": _toolchain.cpu_name(),
        "compiler": _titled(_toolchain.find_compiler),
        "ninja": _titled(_toolchain.find_ninja),
        "nvcc": _titled(lambda: _toolchain.find_nvcc(torch.version.cuda)),
        "gpus": gpus,
        "cache": str(_build.operators_folder()),
        "keys": [recipe.key for recipe in recipes],
        "failures": [asdict(failure) for failure in failures],
    }


def current_recipes() -> list[Recipe]:
    """Return what would be built here: with CUDA where there is a GPU, and for the CPU alone."""
    recipes = []
    architectures = _toolchain.visible_architectures()
    makers: list[Callable[[], Recipe]] = [_recipe.cpu_recipe]
    if architectures:
        makers.insert(0, lambda: _recipe.gpu_recipe(architectures))
    for maker in makers:
        try:
            recipes.append(maker())
        except _toolchain.Unbuildable:  # the line of the tool that is missing says so
            continue
    return recipes


def rebuild() -> None:
    """Forget what has been built for this machine, and what could not be, so that the next use builds again.

    Raises NadaError if the library is already loaded: a process cannot load a second one.
    """
    if _library.is_loaded():
        raise NadaError("The fused operators are already in use; build them again in a fresh process.")
    for recipe in current_recipes():
        _build.forget(recipe)


def _or_problem(find: Callable[[], str]) -> str:
    try:
        return find()
    except NadaError as error:
        return f"none: {error}"


def _titled(find: Callable[[], Tool]) -> str:
    return _or_problem(lambda: find().title)


def _gpus() -> tuple[list[str], str]:
    """Return what the GPUs that torch sees are called, and what is wrong where it cannot use one."""
    if not torch.cuda.is_available():
        return [], ""
    try:
        return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())], ""
    except RuntimeError as error:
        return [], f"torch cannot use the GPU: {str(error).splitlines()[0]}"


def _names(gpus: int) -> list[str]:
    return [f"cuda:{index}" for index in range(gpus)]


def _unserved(library: Library, gpus: int) -> dict[str, str]:
    """Return which GPUs the library leaves to torch, and why."""
    if "cuda" not in library.devices:
        return dict.fromkeys(_names(gpus), library.missing)
    problems = {name: try_gpu(name) for name in _names(gpus)}
    return {name: f"they do not serve {name}: {problem}" for name, problem in problems.items() if problem}


def _first(unserved: dict[str, str]) -> str:
    return next(iter(unserved.values()), "")
