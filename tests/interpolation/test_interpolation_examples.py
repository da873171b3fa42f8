"""The examples in docstrings of walks and domains."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name", ["interpolation.paths", "interpolation.sheets", "interpolation.api", "domains.blending", "domains.domain"]
)
def test_examples_in_docstrings_hold(name: str) -> None:
    done = doctest.testmod(importlib.import_module(f"nada.{name}"))
    assert done.attempted and not done.failed
