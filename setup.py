"""What of the packaging must be code. Everything that can be data stands in pyproject.toml.

The C++ sources travel inside the package, so that an installation can build its operators on first use; installing
needs neither torch nor a compiler. `NADA_BUILD_OPS=1 pip install --no-build-isolation .` builds them at once.
"""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

HERE = Path(__file__).resolve().parent
PREBUILT = os.environ.get("NADA_BUILD_OPS", "0") not in ("", "0")


def build_operators(folder: Path) -> None:
    """Compile the fused operators into `folder`, or end with a sentence that says what is missing."""
    if importlib.util.find_spec("torch") is None:
        sys.exit("NADA_BUILD_OPS=1 needs torch while nada is built: install torch, then pip install --no-build-isolation .")
    sys.path.insert(0, str(HERE))
    from nada.errors import NadaError
    from nada.ops._prebuilt import build_prebuilt

    try:
        build_prebuilt(folder)
    except NadaError as error:
        failure = getattr(error, "failure", None)
        sys.exit(f"NADA_BUILD_OPS=1: {error}" + (f"\n{failure.output}" if failure else ""))


class BuildWithOperators(build_py):
    """Adds the C++ sources, and the compiled operators if they are wanted."""

    def run(self) -> None:
        super().run()
        package = HERE / "nada" if self.editable_mode else Path(self.build_lib) / "nada"
        if not self.editable_mode:
            shutil.rmtree(package / "csrc", ignore_errors=True)
            shutil.copytree(HERE / "csrc", package / "csrc")
        shutil.rmtree(package / "ops" / "_compiled", ignore_errors=True)
        if PREBUILT:
            build_operators(package / "ops" / "_compiled")


class PlatformDistribution(Distribution):
    """Says that a wheel with compiled operators is for one kind of machine."""

    def has_ext_modules(self) -> bool:
        return PREBUILT


class AnyPythonWheel(bdist_wheel):
    """The operators use torch's stable interface and none of Python's, so one wheel serves every Python 3."""

    def get_tag(self) -> tuple[str, str, str]:
        return ("py3", "none", super().get_tag()[2])


setup(
    cmdclass={"build_py": BuildWithOperators, "bdist_wheel": AnyPythonWheel},
    distclass=PlatformDistribution,
)
