"""A tiny adaptation for the tests of its run."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_adaptation import make_config

from nada.config.adapt import AdaptConfig


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AdaptConfig:
    """The options of a tiny adaptation, with made-up guides in place."""
    return make_config(tmp_path, monkeypatch)
