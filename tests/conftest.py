"""For all tests: the fused operators are built or loaded once, before a test can stumble over that."""

from __future__ import annotations

import os
import warnings

import pytest


@pytest.fixture(scope="session", autouse=True)
def missing_operators() -> str:
    """Why there are no compiled operators here, which is no mistake of any test; empty if there are."""
    from nada.ops import _library

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if _library.active() == "compiled":
            return ""
    if _library.mode() == "reference":
        return "NADA_OPS=reference asks for torch's own operators"
    os.environ["NADA_OPS"] = "reference"  # so that the commands that tests start do not all say it again
    return f"the fused operators cannot be had here: {_library._problem}"


@pytest.fixture
def compiled_operators(missing_operators: str) -> None:
    """Skip a test that needs the compiled operators where there are none, and say why."""
    if missing_operators:
        pytest.skip(missing_operators)
