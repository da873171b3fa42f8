from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from nursery import Nursery
from tiny_runs import make_dots, tiny_config

from nada.config.train import TrainConfig


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures in two classes and one file that only claims to be one."""
    folder = make_dots(tmp_path_factory.mktemp("data") / "dots")
    (folder / "a" / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def config(pictures: Path, tmp_path: Path) -> TrainConfig:
    """Four steps on an 8 px network."""
    return tiny_config(pictures, tmp_path / "runs")


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Trainings in processes of their own, where processes can be forked."""
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork a process")
    nursery = Nursery("tiny_runs")
    yield nursery
    nursery.close()
