"""An evaluation without open_clip: guides of a few numbers, a tiny generator, and a run that adapted it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from fake_encoder import FakeEncoder
from fakes import tiny_generator

from nada.checkpoints import hash_generator, save_adaptation, save_generator
from nada.config.evaluate import EvaluateConfig
from nada.features import GuideFeatures


class Encoder(FakeEncoder):
    """Describes itself as open_clip's does, with its name for a checksum."""

    squash = False

    def describe(self) -> dict[str, Any]:
        more = {"mean": [0.5] * 3, "std": [0.5] * 3, "templates": 2, "sha256": f"sha of {self.name}"}
        return {**super().describe(), **more}


class Guide(GuideFeatures):
    """Counts the pictures that it is shown."""

    shown = 0

    def features(self, images: Any) -> Any:
        Guide.shown += len(images)
        return super().features(images)


class Inception:
    """The published network, as far as names go."""

    name, tag, width, distance_name = "inception", "inception", 2048, "FID"

    def describe(self) -> dict[str, str]:
        return {"sha256": "sha of inception"}


def load_fake(spec: str, device: Any = "cpu", resize: str | None = None) -> Guide:
    """Stands in for `load_features`."""
    words = ["ink", "sketch", "photo"] if spec.startswith("demo") else None
    return Guide(Encoder(spec.removeprefix("clip:"), words=words), device)


def make_generator(folder: Path, seed: int = 0, classes: int = 2) -> Path:
    """A generator of 16 px in a folder."""
    return save_generator(folder, tiny_generator(16, classes, seed))


def make_run(folder: Path, base: Path, **options: Any) -> Path:
    """A run as `nada adapt` leaves it: the base's last block moved towards an ink sketch, guided by `demo`."""
    generator = tiny_generator(16, 2)
    moved = {name: 2 * value for name, value in generator.state_dict().items() if name.startswith("b16.conv")}
    moved = {name: value for name, value in moved.items() if "filter" not in name}
    digest = hash_generator(generator)
    save_adaptation(folder / "adaptation.safetensors", moved, {"base": str(base), "base_sha256": digest})
    record = {
        "command": "adapt",
        "options": {"source": "photo", "target": "ink sketch", "method": "nada", "stop": None, "classes": [], **options},
        "generator": str(base),
        "guide": {"encoders": [{"name": "demo", "sha256": "sha of demo"}]},
        "judge": {"encoders": [{"name": "demo-judge", "sha256": "sha of demo-judge"}]},
    }
    (folder / "config.json").write_text(json.dumps(record))
    (folder / "result.json").write_text(json.dumps({"steps": 30}))
    (folder / "README.md").write_text("# photo to ink sketch\n")
    return folder


def small(model: Path | str, **changes: Any) -> EvaluateConfig:
    """Few small pictures."""
    torch.set_num_threads(1)
    return EvaluateConfig(**{"model": str(model), "num": 26, "size": 24, "device": "cpu", **changes})
