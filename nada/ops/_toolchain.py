"""What the fused operators are built with, and for: sources, compiler, ninja, nvcc, this CPU, these GPUs."""

from __future__ import annotations

import functools
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from nada.errors import NadaError, UsageError

_MARKER = "bind.cpp"  # tells our folder of sources from any other that is called csrc
# Variables that change what a compiler does without being on its command line.
_SILENT_FLAGS = ("NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS", "NVCC_CCBIN", "CPATH", "CPLUS_INCLUDE_PATH")


class Unbuildable(NadaError):
    """The operators cannot be built here; the message says what is missing and what to do about it."""


@dataclass(frozen=True)
class Tool:
    """A program and what it says of itself.

    Attributes:
        command: the program, perhaps behind a launcher such as ccache.
        version: the whole output of `--version`.
    """

    command: tuple[str, ...]
    version: str

    @property
    def title(self) -> str:
        """The telling line of the version and where the program is."""
        lines = self.version.splitlines() or ["unknown version"]
        line = next((line for line in lines if "release" in line), lines[0])
        return f"{line.strip()} ({' '.join(self.command)})"


def find_sources() -> Path:
    """Return the folder of the C++ sources: in the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "csrc", package.parent / "csrc"):
        if (folder / _MARKER).is_file():
            return folder
    raise Unbuildable("the C++ sources are not part of this installation; install nada again")


@functools.cache
def _probe(*command: str) -> Tool:
    """Ask a program for its version. Raises Unbuildable where it does not run."""
    shown = shlex.join(command)
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unbuildable(f"{shown} does not run ({error})") from error
    if done.returncode:
        raise Unbuildable(f"{shown} --version ends with code {done.returncode}")
    return Tool(command, done.stdout.strip())


def is_supported() -> bool:
    """Whether the operators are meant to be built on this system; Microsoft's compiler is not attempted."""
    return sys.platform != "win32"


def find_compiler() -> Tool:
    """Return the C++ compiler: `$CXX`, else the first of the usual names. Raises Unbuildable without one."""
    if not is_supported():
        raise Unbuildable("they are not built on Windows, which is no fault of this installation")
    if chosen := shlex.split(os.environ.get("CXX", "")):
        if not shutil.which(chosen[0]):
            raise Unbuildable(f"CXX names {chosen[0]}, which is not there; correct or unset CXX")
        return _probe(*chosen)
    names = ("clang++", "c++") if sys.platform == "darwin" else ("g++", "c++", "clang++")
    for name in names:
        if found := shutil.which(name):
            return _probe(found)
    advice = "run xcode-select --install" if sys.platform == "darwin" else "install g++"
    raise Unbuildable(f"no C++ compiler is found; {advice}, or name one with CXX")


def find_ninja() -> Tool:
    """Return ninja: the Python package's, else the one on PATH. Raises Unbuildable without one."""
    try:
        import ninja

        packaged = os.path.join(ninja.BIN_DIR, "ninja")
    except ImportError:
        packaged = ""
    beside = os.path.join(os.path.dirname(sys.executable), "ninja")
    for path in (packaged, beside, shutil.which("ninja")):
        if path and os.access(path, os.X_OK):
            return _probe(path)
    raise Unbuildable("ninja is not found; run pip install ninja")


def _nvcc_places() -> list[Path]:
    """Where an nvcc may be, best first: named by the person, on PATH, from pip's wheels, the usual folder."""
    homes = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH")]
    places = [Path(home) / "bin" / "nvcc" for home in homes if home]
    if found := shutil.which("nvcc"):
        places.append(Path(found))
    for folder in (Path(entry) for entry in sys.path if entry):
        places += sorted(folder.glob("nvidia/*/bin/nvcc"), reverse=True)
    return [*places, Path("/usr/local/cuda/bin/nvcc")]


def find_nvcc(cuda: str | None = None) -> Tool:
    """Return an nvcc, of the same major version as `cuda` if that is given.

    The runtime that nvcc links in must suit the driver that torch's own CUDA suits. Raises Unbuildable without one.
    """
    unfit = []
    for place in _nvcc_places():
        if not os.access(place, os.X_OK):
            continue
        try:
            tool = _probe(str(place))
        except Unbuildable as error:
            unfit.append(str(error))
            continue
        found = re.search(r"release (\d+)", tool.version)
        if cuda is None or (found and found[1] == cuda.split(".")[0]):
            return tool
        unfit.append(f"torch has CUDA {cuda} but nvcc is {tool.title}")
    wanted = f" {cuda}" if cuda else ""
    if unfit:
        raise Unbuildable(f"{unfit[0]}; set CUDA_HOME to a CUDA{wanted} toolkit")
    raise Unbuildable(f"nvcc is not found; install the CUDA{wanted} toolkit or set CUDA_HOME")


@functools.cache
def _known_to(nvcc: Tool) -> tuple[int, ...]:
    """The architectures that nvcc compiles for; empty if it does not tell."""
    try:
        done = subprocess.run([*nvcc.command, "--list-gpu-arch"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(int(number) for number in re.findall(r"^compute_(\d+)$", done.stdout, re.MULTILINE))


def compilable(architectures: tuple[str, ...], nvcc: Tool) -> tuple[str, ...]:
    """Return what nvcc compiles for so that the most of these GPUs are served, such as ("80", "90").

    A GPU that is newer than nvcc runs the intermediate code for the newest one before it. One that is too old for nvcc
    is left out, and not in the way of the others. Raises Unbuildable if none remains.
    """
    known = _known_to(nvcc)
    if not known:
        return architectures
    chosen = {max(older) for gpu in architectures if (older := [number for number in known if number <= int(gpu)])}
    if not chosen:
        raise Unbuildable(f"the GPU is too old for {nvcc.title}; set CUDA_HOME to an older toolkit that suits torch")
    return tuple(str(number) for number in sorted(chosen))


def chosen_architectures() -> tuple[str, ...]:
    """Return `NADA_CUDA_ARCHS` ("7.5;9.0", "75,90") as ("75", "90"); empty if it is not set. Raises UsageError."""
    words = re.split(r"[;,\s]+", os.environ.get("NADA_CUDA_ARCHS", "").strip())
    found = []
    for word in filter(None, words):
        if not re.fullmatch(r"\d{2,3}[af]?|\d{1,2}\.\d[af]?", word):
            raise UsageError(f"NADA_CUDA_ARCHS names {word!r}, which is no GPU architecture; write for instance 8.0;9.0.")
        found.append(word.replace(".", ""))
    return tuple(dict.fromkeys(found))


def visible_architectures() -> tuple[str, ...]:
    """Return the architectures of the NVIDIA GPUs that torch can use, each once; empty without any."""
    import torch

    if torch.version.cuda is None or not torch.cuda.is_available():
        return ()
    try:
        capabilities = {torch.cuda.get_device_capability(index) for index in range(torch.cuda.device_count())}
    except RuntimeError:  # a GPU in a bad state is not one that torch can use
        return ()
    return tuple(f"{major}{minor}" for major, minor in sorted(capabilities))


@functools.cache
def cpu_identity() -> str:
    """Return what the code of `-march=native` depends on: two CPUs with the same text can run each other's."""
    lines: set[str] = set()
    if sys.platform.startswith("linux"):
        wanted = ("model name", "flags", "Features", "CPU implementer", "CPU part", "isa", "cpu")
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in wanted:
                lines.add(f"{name.strip()}: {value.strip()}")
    elif sys.platform == "darwin":
        done = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        lines.add(done.stdout.strip())
    return "\n".join(sorted(lines)) or platform.processor()


def cpu_name() -> str:
    """Return what the CPU is called, as far as it says."""
    found = re.search(r"model name: (.*)", cpu_identity())
    return found[1] if found else platform.processor() or platform.machine()


def silent_flags() -> str:
    """Return the environment variables that change what the compilers do."""
    return "\n".join(f"{name}={os.environ[name]}" for name in _SILENT_FLAGS if name in os.environ)
