"""Packages whose names are imported when they are first used.

What such a package offers stands once, in the stub beside its `__init__.py`: type checkers and editors read it as they
read any stub, and `attach` reads it when the package is imported. A name more is a line more of `__init__.pyi`:

    from nada.metrics.sliced import sliced_distance as sliced_distance
    from nada import metrics as metrics  # a module of the package itself
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable


def read_stub(path: str) -> dict[str, str]:
    """The names that a stub imports, and the module that each comes from. Raises OSError if there is no such file."""
    with open(path, encoding="utf-8") as file:
        imports = [node for node in ast.parse(file.read()).body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def attach(package: str, file: str, *own: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package, from its `__name__`, its `__file__` and what it defines itself."""
    homes = read_stub(f"{file.rpartition('.')[0]}.pyi")
    names = [*own, *homes]

    def resolve(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == package:
            return importlib.import_module(f"{package}.{name}")
        return getattr(importlib.import_module(homes[name]), name)

    return resolve, lambda: sorted(names), names
