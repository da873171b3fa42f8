"""An adaptation of six steps of a generator of a few thousand numbers, by made-up guides."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_encoder import FakeEncoder
from fakes import tiny_generator

from nada import checkpoints
from nada.adaptation import plan as planning
from nada.adaptation.run import run_adaptation
from nada.clip import Guide
from nada.config.adapt import AdaptConfig


def make_config(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AdaptConfig:
    """A tiny generator in a folder, fake encoders for guide and judge in place, and the options to adapt it."""

    def guide(config: AdaptConfig, device: object) -> Guide:
        images = config.target_images
        return Guide([FakeEncoder("guide")], config.source, config.target, target_images=images, augment="independent")

    def judge(config: AdaptConfig, *_: object) -> Guide:
        return Guide([FakeEncoder("judge")], config.source, config.target, target_images=config.target_images)

    monkeypatch.setattr(planning, "_guide", guide)
    monkeypatch.setattr(planning, "_judge", judge)
    checkpoints.save_generator(folder / "tiny", tiny_generator(16, classes=2))
    return AdaptConfig(
        source="photo", target="ink sketch", generator=str(folder / "tiny"), steps=6, batch=2, lr=0.01, ema=0.5,
        sample_every=3, checkpoint_every=2, out=str(folder / "runs"), device="cpu",
    )  # fmt: skip


def run(config: AdaptConfig) -> Path:
    """Adapt without a word; returns the run's folder."""
    return run_adaptation(config, announce=lambda line: None).folder
