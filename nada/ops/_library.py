"""Which bodies the operators have: those of the library that is loaded or built on first use, or torch's own.

`NADA_OPS` chooses: `auto` (the library; where it cannot be had torch's operators, with one warning), `reference`
(torch's operators), `compiled` (the library or an error). Nothing happens before the first call of an operator.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from nada.errors import NadaError, UsageError
from nada.ops import _build, _prebuilt, _recipe, _toolchain
from nada.ops._recipe import Recipe
from nada.ops._trial import try_gpu

COMPILED, REFERENCE = "compiled", "reference"
_MODES = ("auto", REFERENCE, COMPILED)
_BROUGHT = "came with the installation"
_CPU_FIRST = "this process chose the CPU first and can load only one library; run 'nada doctor' once to have one for both"
_HINT = "NADA_OPS=reference silences this, 'nada doctor' tells more."


@dataclass(frozen=True)
class Library:
    """The loaded library.

    Attributes:
        path: of the file.
        devices: the kinds of device whose tensors it takes.
        origin: how it came here, for people.
        missing: why it does not take the tensors of a GPU that is here; empty if it does, or there is none.
    """

    path: Path
    devices: tuple[str, ...]
    origin: str
    missing: str = ""


_lock = threading.RLock()
_active = ""  # what `active` returns; empty until it is known
_served: dict[str, bool] = {}  # of each device that has asked, whether the library takes its tensors
_told: set[str] = set()  # the complaints that a person has read
_library: Library | None = None
_problem: NadaError | None = None  # why there is none, once that has been tried


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def mode() -> str:
    """Return `$NADA_OPS`, or "auto". Raises UsageError for an unknown value."""
    chosen = os.environ.get("NADA_OPS") or "auto"
    if chosen not in _MODES:
        raise UsageError(f"NADA_OPS is {chosen!r}; choose one of {', '.join(_MODES)}.")
    return chosen


def active(device: str = "", gpus: bool = True) -> str:
    """Return "compiled" or "reference". The first call loads the library, or builds it.

    Args:
        device: what the tensors are on, such as "cpu" or "cuda:0"; empty to leave that open.
        gpus: whether to build for the GPUs that are here, if this is the first call.

    Raises:
        UsageError: for an unknown `NADA_OPS`.
        NadaError: for `NADA_OPS=compiled` where the library cannot be had, or does not serve this GPU.
    """
    if torch.compiler.is_compiling():
        _decide(device, gpus)  # a traced function must not read what this changes before it is changed
    elif not _active or (_active == COMPILED and device not in _served):
        _decide(device, gpus)
    return _active


def compiled(x: Tensor | None = None) -> bool:
    """Whether the library does the work, for tensors on the device of `x` if that is given."""
    if x is None:
        return active() == COMPILED
    device = str(x.device)
    return active(device) == COMPILED and _served.get(device, False)


def _decide(device: str, gpus: bool) -> None:
    global _active
    if _active == REFERENCE or (_active and device in _served):
        return
    with _lock:
        chosen = mode()
        if not _active and chosen == REFERENCE:
            _active = REFERENCE
            return
        try:
            library = obtain(gpus)
        except NadaError as error:
            complaint = f"The fused operators are not used: {str(error).rstrip('.')}"
            _insist(complaint, chosen)
            _active = REFERENCE
        else:
            complaint = _why_not(library, device)
            _insist(complaint, chosen)
            _active = COMPILED
            _served[device] = not complaint and device.partition(":")[0] in library.devices
        _warn(complaint)


def _why_not(library: Library, device: str) -> str:
    """Return why a GPU is left to torch: the library has no kernels for it, or they do not run there."""
    if device.startswith("cuda") and "cuda" not in library.devices:
        return library.missing and f"The fused operators serve the CPU alone: {library.missing}"
    if device.startswith("cuda:") and (problem := try_gpu(device)):
        return f"The fused operators do not serve {device}: {problem}"
    return ""


def _insist(complaint: str, chosen: str) -> None:
    if complaint and chosen == COMPILED:
        raise NadaError(f"{complaint}; NADA_OPS=compiled asks for no less.")


def _warn(complaint: str) -> None:
    if complaint and complaint not in _told:
        _told.add(complaint)
        warnings.warn(f"{complaint}. torch's own do the work instead, more slowly; {_HINT}", UserWarning, stacklevel=5)


# What torch.compiler.assume_constant_result sets, without its import of the whole compiler (as long as torch's own).
_decide._dynamo_marked_constant = True  # type: ignore[attr-defined]


@contextmanager
def bodies(name: str) -> Iterator[None]:
    """Use the "compiled" or the "reference" bodies inside a with block, whatever `NADA_OPS` says.

    Raises NadaError if there are no compiled ones.
    """
    global _active
    if name not in (COMPILED, REFERENCE):
        raise UsageError(f"There are no bodies {name!r}; choose {COMPILED} or {REFERENCE}.")
    if name == COMPILED:
        obtain()
    before, _active = _active, name
    try:
        yield
    finally:
        _active = before


def obtain(gpus: bool = True) -> Library:
    """Return the loaded library; the first call loads or builds it. Raises NadaError, saying why there is none.

    A process can load only one. It has kernels for the GPUs that are here; without `gpus` only if that costs no build.
    """
    global _library, _problem
    with _lock:
        if _library is None and _problem is None:
            try:
                _library = _find(gpus)
            except NadaError as error:
                _problem = error
        if _library is None:
            assert _problem is not None
            raise _problem
        return _library


def _find(gpus: bool) -> Library:
    """Try, in this order: what is installed, a library for the GPUs here, a library for the CPU alone."""
    architectures, missing = _toolchain.visible_architectures(), ""
    brought = _brought(architectures)
    if brought and ("cuda" in brought[1] or not architectures):
        with suppress(NadaError):
            return _load(*brought, _BROUGHT)
    if architectures:
        try:
            recipe = _recipe.gpu_recipe(architectures)
            if gpus or _build.find_built(recipe):
                return _make(recipe)
            missing = _CPU_FIRST
        except NadaError as error:
            missing = str(error).rstrip(".")
    if brought and "cuda" not in brought[1]:
        with suppress(NadaError):
            return _load(*brought, _BROUGHT, missing)
    return _make(_recipe.cpu_recipe(), missing)


def _brought(architectures: tuple[str, ...]) -> tuple[Path, tuple[str, ...]] | None:
    try:
        return _prebuilt.find_prebuilt(_prebuilt.FOLDER, architectures)
    except _toolchain.Unbuildable:  # the report asks again for the reason
        return None


def _make(recipe: Recipe, missing: str = "") -> Library:
    built = _build.ensure_built(recipe)
    return _load(built.path, recipe.backends, f"built in {built.seconds:g} s on {built.when}", missing)


def _load(path: Path, devices: tuple[str, ...], origin: str, missing: str = "") -> Library:
    try:
        torch.ops.load_library(str(path))
    except OSError as error:
        raise NadaError(f"{path} does not load ({error.__cause__ or error})") from error
    _register()
    return Library(path, devices, origin, missing)


def _register() -> None:
    """Give the loaded operators their shapes and derivatives; that module needs them to be there."""
    from nada.ops import _autograd

    _autograd.register()


def is_loaded() -> bool:
    """Whether this process has the library."""
    return _library is not None


def describe(device: str | None = None) -> str:
    """Return which bodies do the work, for the first line of a command; loads or builds like `active`.

    With a device ("cpu", "cuda", "cuda:1"), which ones take its tensors. To say "cpu" before the first operator keeps
    this process from building for a GPU; to say no number keeps a kernel from being tried on one.
    """
    gpus = device != "cpu" or torch.cuda.is_initialized()
    taken = active(device or "", gpus) == COMPILED and (device is None or _served.get(device, False))
    return name_kernels(_library.devices if taken and _library else ())


def name_kernels(devices: tuple[str, ...]) -> str:
    """Return what a library for these kinds of device is called, or, without any, what stands in for it."""
    if not devices:
        return "torch kernels"
    return "fused CPU and CUDA kernels" if "cuda" in devices else "fused CPU kernels"
