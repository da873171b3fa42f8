"""Everything about the fused operators that `nada doctor` prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from nada.errors import NadaError
from nada.ops import _build, _library, _prebuilt, _recipe, _toolchain
from nada.ops._recipe import Recipe
from nada.ops._toolchain import Tool


def library_report() -> dict[str, Any]:
    """Return which bodies are at work and why; loads the library, or builds it, unless `NADA_OPS=reference`.

    Keys: mode, bodies, kernels, devices (that are here and that the library serves), reason (why not the compiled bodies, or not on the
    GPU; may be empty), supported (whether they are meant for this system), library, origin, prebuilt, sources, cpu,
    compiler, ninja, nvcc, gpus, cache, keys, failures (of builds: problem, command, output, log).
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
    devices = [kind for kind in library.devices if kind == "cpu" or torch.cuda.is_available()] if library else []
    return {
        "mode": mode,
        "bodies": _library.COMPILED if library else _library.REFERENCE,
        "kernels": _library.name_kernels(library.devices if library else ()),
        "devices": devices,
        "reason": reason,
        "supported": _toolchain.is_supported(),
        "library": str(library.path) if library else None,
        "origin": library.origin if library else None,
        "prebuilt": _or_problem(lambda: str(_prebuilt.find_prebuilt(_prebuilt.FOLDER)[0])),
        "sources": _or_problem(lambda: str(_toolchain.find_sources())),
        "cpu": _toolchain.cpu_name(),
        "compiler": _titled(_toolchain.find_compiler),
        "ninja": _titled(_toolchain.find_ninja),
        "nvcc": _titled(lambda: _toolchain.find_nvcc(torch.version.cuda)),
        "gpus": _gpus(),
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
        makers.insert(0, lambda: _recipe.cuda_recipe(architectures, torch.version.cuda))
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


def _gpus() -> list[str]:
    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
