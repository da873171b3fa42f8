"""What a run needs around its loop: a numbered folder, a device, saved state, and a gentle way to stop."""

from __future__ import annotations

import importlib.metadata
import io
import os
import pickle
import platform
import re
import signal
import threading
import unicodedata
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import torch

from nada.errors import NadaError, UsageError
from nada.files import make_folder, read_json, write_bytes, write_error, write_json, write_text

__all__ = [
    "Interrupts",
    "check_command",
    "clean_termination",
    "create_run",
    "describe_environment",
    "find_run",
    "load_state",
    "pick_device",
    "save_tensors",
    "slugify",
    "write_bytes",
    "write_json",
    "write_text",
]

_NUMBERED = re.compile(r"(\d{5,})(?:-.*)?")
_DEVICE = re.compile(r"cpu|cuda(?::(\d+))?")
_PACKAGES = ("nada", "torch", "open_clip_torch", "numpy", "pillow", "safetensors", "tensorboard")


def slugify(text: str, limit: int = 60) -> str:
    """Turn a sentence into a folder name: lower-case ASCII letters, digits and single hyphens; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:limit].strip("-") or "run"


def _numbered_runs(out: Path) -> list[tuple[int, Path]]:
    runs = [(match, path) for path in out.iterdir() if (match := _NUMBERED.fullmatch(path.name)) and path.is_dir()]
    return sorted((int(match[1]), path) for match, path in runs)


def create_run(out: str | Path, description: str) -> Path:
    """Create and return the next folder `out/00000-description`; no two processes get the same number.

    Raises NadaError when `out` cannot be written.
    """
    out = make_folder(out)
    try:
        number = max((number for number, _ in _numbered_runs(out)), default=-1) + 1
        while True:
            # The bare number is the lock: whoever makes it looks again, since its last holder may just have renamed it.
            claim = out / f"{number:05d}"
            try:
                claim.mkdir()
            except FileExistsError:
                number += 1
                continue
            if sum(taken == number for taken, _ in _numbered_runs(out)) == 1:
                return claim.rename(out / f"{claim.name}-{slugify(description)}")
            claim.rmdir()
            number += 1
    except OSError as error:
        raise write_error(out, error) from error


def find_run(spec: str | Path, out: str | Path = "runs", containing: str | None = None, command: str | None = None) -> Path:
    """The folder that `spec` means: a path, the name of a run in `out`, or "latest" for the highest number there.

    With `containing`, only a run that holds a file of that name counts; with `command`, only one of `nada COMMAND`.
    Raises NadaError when there is none, and UsageError where the run named is of another command.
    """
    out = Path(out)
    if str(spec) == "latest":
        runs = [path for _, path in _numbered_runs(out)] if out.is_dir() else []
        runs = [path for path in runs if containing is None or (path / containing).is_file()]
        runs = [path for path in runs if command is None or _command_of(path) in (command, None)]
        if not runs:
            kind = f"run{f' of nada {command}' if command else ''}{f' with a {containing}' if containing else ''}"
            raise NadaError(f"there is no {kind} in the folder {out}.")
        return runs[-1]
    for path in (Path(spec), out / spec):
        if path.is_dir():
            if containing is not None and not (path / containing).is_file():
                raise NadaError(f"the folder {path} holds no {containing}; it is not a run that can be used here.")
            if command is not None:
                check_command(path, command)
            return path
    raise NadaError(f"there is no run folder {spec}, neither here nor in {out}.")


def check_command(folder: Path, command: str) -> None:
    """Raise UsageError where the run in `folder` is of another command than `nada COMMAND`, by its config.json."""
    other = _command_of(folder)
    if other not in (command, None):
        raise UsageError(
            f"{folder} is a run of nada {other}, not of nada {command}; go on with: nada {other} --resume {folder}"
        )


def _command_of(folder: Path) -> str | None:
    """The command that a run is of; None where its record does not say or is missing, which its reader tells better."""
    try:
        record = read_json(folder / "config.json")
    except NadaError:
        return None
    command = record.get("command") if isinstance(record, dict) else None
    return command if isinstance(command, str) else None


def save_tensors(path: str | Path, state: Any) -> Path:
    """Write tensors, numbers, strings and containers of them with `torch.save`, whole or not at all.

    Equal states give equal bytes, whatever the file is called. Raises NadaError when the place cannot be written.
    """
    buffer = io.BytesIO()  # torch.save to a path would write the file's name into the archive
    torch.save(state, buffer)
    return write_bytes(path, buffer.getvalue())


def load_state(path: str | Path) -> Any:
    """Read what `save_tensors` wrote, onto the CPU; nothing in the file is executed. Raises NadaError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch wonders aloud about files that are then refused
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise NadaError(f"{path} is damaged or is not a saved state; resume from another run.") from error


def pick_device(name: str = "auto") -> torch.device:
    """The device for "auto" (a GPU if there is one), "cpu", "cuda" or "cuda:1". Raises UsageError if it is not here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    match = _DEVICE.fullmatch(name)
    if match is None:
        raise UsageError(f"unknown device {name!r}; choose auto, cpu, cuda or a numbered one like cuda:1.")
    if name != "cpu":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(match[1] or 0) >= count:
            raise UsageError(f"device {name} is not here: torch sees {count} CUDA device(s); choose auto or cpu.")
    return torch.device(name)


class Interrupts:
    """While open, the first SIGINT or SIGTERM only sets `requested`; the loop stops at its next safe point.

    A second signal raises KeyboardInterrupt at once. Outside the main thread signals cannot be caught and this does
    nothing. The handlers that were there before are put back on leaving.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def clean_termination() -> Iterator[None]:
    """While open, SIGTERM ends what is under way as Ctrl-C does, by KeyboardInterrupt, so that nothing half-written stays.

    For work without safe points to stop at, see `Interrupts`. Outside the main thread it does nothing.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def describe_environment() -> dict[str, Any]:
    """What a result depends on beside its options: versions, platform, threads and GPUs; JSON-able."""
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "cuda": torch.version.cuda,
        "gpus": [torch.cuda.get_device_name(index) for index in gpus],
        "tf32": _fast_float32() if gpus else [],
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
    }


def _fast_float32() -> list[str]:
    """What GPUs compute with 10 bits of a float32's 23 at this moment."""
    fast = {"convolutions": torch.backends.cudnn.allow_tf32, "products": torch.get_float32_matmul_precision() != "highest"}
    return [name for name, used in fast.items() if used]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
