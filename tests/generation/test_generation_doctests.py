"""The examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["api", "seeds", "layers"])
def test_examples(name: str) -> None:
    done = doctest.testmod(importlib.import_module(f"nada.generation.{name}"))
    assert done.attempted and not done.failed
