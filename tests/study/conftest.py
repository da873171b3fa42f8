"""Studies without real guides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from nursery import Nursery
from study_makers import patch


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up guides and judges, in this process and in the workers it starts."""
    patch(monkeypatch.setattr)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """A process that starts studies quickly."""
    process = Nursery("study_makers")
    yield process
    process.close()
