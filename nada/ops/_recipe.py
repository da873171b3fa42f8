"""How one library of fused operators is built: its sources, its flags, the ninja file, and the key it is cached under.

The ninja file is our own. torch's `cpp_extension.load` waits for ever on the lock file that an interrupted build
leaves, and cannot compile CUDA beside a torch without it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from nada.ops import _toolchain
from nada.ops._toolchain import Tool

LIBRARY = "libnada_ops.so"
NATIVE = "native"  # the level of a library that only the CPU it is built on need run
# -fopenmp-simd obeys the loops' `omp simd` without OpenMP's run time; without it sums are not turned into vectors.
_CXX_FLAGS = (
    *("-std=c++20", "-O3", "-fPIC", "-fvisibility=hidden"),
    *("-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"),
)
_NVCC_FLAGS = ("-std=c++20", "-O3", "-Xcompiler", "-fPIC")
_LAUNCHERS = ("ccache", "sccache", "distcc")
_PACKAGE = Path(torch.__file__).parent


def portable_level() -> str:
    """Return the level of a library for other machines of this kind: AVX2 on x86, the base elsewhere."""
    return "x86-64-v3" if platform.machine() in ("x86_64", "AMD64") else "base"


def hash_sources(sources: Path, cuda: bool) -> str:
    """Return a hash of the names and contents of the sources, with or without those for CUDA, as 64 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(path for path in sources.rglob("*") if path.suffix in (".h", ".cpp", ".cu", ".cuh")):
        name = path.relative_to(sources).as_posix()
        if cuda or not name.startswith("cuda/"):
            content = path.read_bytes()
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@dataclass(frozen=True)
class Recipe:
    """One library: for the CPU, and for CUDA too where there is an nvcc in it.

    Attributes:
        sources: the folder of `bind.cpp`.
        compiler: of C++.
        ninja: runs it.
        nvcc: compiles `cuda/*.cu` and links; None for a library without CUDA.
        architectures: what nvcc compiles for, such as `("90",)`.
        level: the CPU: `NATIVE` or `portable_level()`.
    """

    sources: Path
    compiler: Tool
    ninja: Tool
    nvcc: Tool | None = None
    architectures: tuple[str, ...] = ()
    level: str = NATIVE

    @property
    def backends(self) -> tuple[str, ...]:
        """The kinds of device whose tensors the library takes."""
        return ("cpu", "cuda") if self.nvcc else ("cpu",)

    @property
    def cuda_major(self) -> str | None:
        """The major version of nvcc's CUDA; None without one."""
        found = re.search(r"release (\d+)", self.nvcc.version) if self.nvcc else None
        return found[1] if found else None

    @functools.cached_property
    def key(self) -> str:
        """Equal keys mean interchangeable libraries; 20 hex digits, of the sources as they are at the first reading."""
        tools = [tool for tool in (self.compiler, self.nvcc) if tool]
        parts = [
            hash_sources(self.sources, self.nvcc is not None),
            torch.__version__,
            platform.platform(terse=True) if sys.platform == "darwin" else "-".join(platform.libc_ver()),
            f"{sys.platform} {platform.machine()}",
            *(f"{tool.command} {tool.version}" for tool in tools),
            _toolchain.silent_flags(),
            _toolchain.cpu_identity() if self.level == NATIVE else self.level,
            *self._cxx_flags(),
            *(self._nvcc_flags() if self.nvcc else ()),
            *self._link_flags(),
        ]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]

    def ninja_file(self) -> str:
        """Return the text of the ninja file that builds `LIBRARY` in the folder it is in."""
        cxx = [*self.compiler.command, *self._cxx_flags(), *self._includes()]
        lines = _rule("cxx", [*cxx, "-c"], [])
        if self.nvcc:
            includes = [f"-I{self.sources}"]
            host = [] if "NVCC_CCBIN" in os.environ else ["-ccbin", _without_launcher(self.compiler.command)]
            nvcc = [*self.nvcc.command, *host, *self._nvcc_flags(), *includes]
            lines += _rule("nvcc", [*nvcc, "-c"], [])
            linker = [*self.nvcc.command, *host, "-shared", "-cudart", "static", *_runtime_of_wheels(self.nvcc)]
        else:
            linker = [*self.compiler.command, "-shared", "-fPIC"]
        lines += _rule("link", linker, [f"-L{_PACKAGE / 'lib'}", *self._link_flags()])
        objects = []
        for source in self._units():
            objects.append(f"{source.parent.name}-{source.stem}.o")
            rule = "nvcc" if source.suffix == ".cu" else "cxx"
            lines.append(f"build {objects[-1]}: {rule} {_escape(str(source))}")
        lines.append(f"build {LIBRARY}: link {' '.join(objects)}")
        return "\n".join([*lines, f"default {LIBRARY}", ""])

    def _units(self) -> list[Path]:
        """The files that are compiled; bind.cpp is on its own, the bodies are in a folder for each backend."""
        units = [self.sources / "bind.cpp", *sorted((self.sources / "cpu").glob("*.cpp"))]
        return units + (sorted((self.sources / "cuda").glob("*.cu")) if self.nvcc else [])

    def _includes(self) -> list[str]:
        # -isystem: what torch's headers warn of is not ours to mend.
        torch_headers = (_PACKAGE / "include", _PACKAGE / "include/torch/csrc/api/include")
        return [f"-I{self.sources}", *(word for path in torch_headers for word in ("-isystem", str(path)))]

    def _cxx_flags(self) -> list[str]:
        if self.level != NATIVE:
            machine = [f"-march={self.level}"] if self.level != "base" else []
        else:
            machine = ["-march=native" if platform.machine() in ("x86_64", "AMD64") else "-mcpu=native"]
        # USE_CUDA uncovers the stream of torch before 2.13.
        return [*_CXX_FLAGS, *machine, *(["-DNADA_CUDA", "-DUSE_CUDA"] if self.nvcc else [])]

    def _nvcc_flags(self) -> list[str]:
        chosen = [f"arch=compute_{name},code=[sm_{name},compute_{name}]" for name in self.architectures]
        return [*_NVCC_FLAGS, "-DNADA_CUDA", *(word for text in chosen for word in ("-gencode", text))]

    def _link_flags(self) -> list[str]:
        libraries = ["-lc10", "-ltorch_cpu", "-ltorch"]
        # Only in the library with CUDA is there what the stream of torch before 2.13 needs.
        if self.nvcc and minor_version() < (2, 13) and any((_PACKAGE / "lib").glob("*torch_cuda.*")):
            libraries.append("-ltorch_cuda")
        if sys.platform == "darwin":
            libraries += ["-undefined", "dynamic_lookup", f"-Wl,-rpath,{_PACKAGE / 'lib'}"]
        return libraries


def minor_version() -> tuple[int, int]:
    """Return torch's version as (major, minor), which is what its stable ABI is counted by."""
    major, minor = torch.__version__.split(".")[:2]
    return int(major), int(minor)


def _runtime_of_wheels(nvcc: Tool) -> list[str]:
    """In pip's wheels the CUDA runtime is in `lib`, where their nvcc does not look."""
    folder = Path(nvcc.command[0]).resolve().parents[1] / "lib"
    return [f"-L{folder}"] if (folder / "libcudart_static.a").is_file() else []


def _without_launcher(command: tuple[str, ...]) -> str:
    return next((word for word in command if Path(word).name not in _LAUNCHERS), command[0])


def _rule(name: str, before: list[str], after: list[str]) -> list[str]:
    """A ninja rule; ninja itself quotes the file names that stand for $in and $out."""
    words = [shlex.join(before).replace("$", "$$"), "$in -o $out", shlex.join(after).replace("$", "$$")]
    return [f"rule {name}", f"  command = {' '.join(filter(None, words))}"]


def _escape(path: str) -> str:
    return path.replace("$", "$$").replace(" ", "$ ").replace(":", "$:")


def cpu_recipe(sources: Path | None = None, level: str = NATIVE) -> Recipe:
    """Return the recipe of the library without CUDA. Raises Unbuildable, saying what is missing."""
    found = sources or _toolchain.find_sources()
    return Recipe(found, _toolchain.find_compiler(), _toolchain.find_ninja(), level=level)


def cuda_recipe(
    architectures: tuple[str, ...], cuda: str | None, sources: Path | None = None, level: str = NATIVE
) -> Recipe:
    """Return the recipe of the library for the CPU and these GPUs. Raises Unbuildable, saying what is missing.

    Args:
        architectures: such as `("90",)`.
        cuda: the version that torch was built with; nvcc must be of the same major version. None takes any.
        sources: another folder than the package's own.
        level: as in `Recipe`.
    """
    cpu = cpu_recipe(sources, level)
    if not _has_cuda_sources(cpu.sources):
        raise _toolchain.Unbuildable("there are no CUDA sources in this installation")
    nvcc = _toolchain.find_nvcc(cuda)
    return Recipe(cpu.sources, cpu.compiler, cpu.ninja, nvcc, architectures, level)


def gpu_recipe(architectures: tuple[str, ...]) -> Recipe:
    """Return the recipe of the library for this CPU and these GPUs, or those of them that nvcc can compile for.

    Raises Unbuildable, saying what is missing.
    """
    recipe = cuda_recipe(architectures, torch.version.cuda)
    assert recipe.nvcc is not None
    return replace(recipe, architectures=_toolchain.compilable(architectures, recipe.nvcc))


def _has_cuda_sources(sources: Path) -> bool:
    return any((sources / "cuda").glob("*.cu"))
