from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_fakes import Guide, load_fake, make_generator, make_run


@pytest.fixture(autouse=True)
def fake_guides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No open_clip, and a cache of the test's own."""
    monkeypatch.setattr("nada.evaluation.plan.load_features", load_fake)
    monkeypatch.setenv("NADA_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    Guide.shown = 0


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_generator(tmp_path / "base")


@pytest.fixture
def run(tmp_path: Path, base: Path) -> Path:
    (tmp_path / "runs/00000-photo-to-ink-sketch").mkdir(parents=True)
    return make_run(tmp_path / "runs/00000-photo-to-ink-sketch", base)
