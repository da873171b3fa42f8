"""A tiny base generator with adaptations of it, as run folders."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from fakes import tiny_generator
from torch import Tensor

from nada.checkpoints import hash_generator, load_generator, save_adaptation, save_generator


def save_base(folder: Path, seed: int = 0, classes: int = 0) -> Path:
    return save_generator(folder, tiny_generator(16, classes, seed))


def moved(base: Path, *names: str, seed: int = 1) -> dict[str, Tensor]:
    """Some of the base's tensors with noise added."""
    draw = torch.Generator().manual_seed(seed)
    state = load_generator(base).state_dict()
    return {name: state[name] + 0.3 * torch.randn(state[name].shape, generator=draw) for name in names}


def adapted_run(run: Path, base: Path, *names: str, seed: int = 1, target: str | None = "minimal logo") -> Path:
    """A run folder as `nada adapt` leaves it, with as much of it as domains read."""
    run.mkdir(parents=True)
    record = {"command": "adapt", "generator": str(base), "options": {"source": "image", "target": target}}
    (run / "config.json").write_text(json.dumps(record))
    metadata = {"base": str(base), "base_sha256": hash_generator(load_generator(base)), "layers": "late:2"}
    save_adaptation(run / "adaptation.safetensors", moved(base, *names, seed=seed), metadata)
    return run
