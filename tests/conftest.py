"""For all tests: the fused operators are built or loaded once, before a test can stumble over that."""

from __future__ import annotations

import os
import warnings

import pytest

from nada.errors import NadaError


@pytest.fixture(scope="session", autouse=True)
def operators_problem() -> NadaError | None:
    """Why there are no compiled operators here; None if there are."""
    from nada.ops import _library

    if _library.mode() == "reference":
        return NadaError("NADA_OPS=reference asks for torch's own operators.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if _library.active() == "compiled":
            return None
    os.environ["NADA_OPS"] = "reference"  # so that the commands which tests start do not all say it again
    return _library._problem


@pytest.fixture
def compiled_operators(operators_problem: NadaError | None) -> None:
    """Skip a test where something is missing to build the operators; fail where they cannot be built all the same."""
    from nada.ops._build import BuildFailed

    if isinstance(operators_problem, BuildFailed):
        pytest.fail(f"{operators_problem}\n{operators_problem.failure.output}")
    if operators_problem is not None:
        pytest.skip(f"no compiled operators: {operators_problem}")
