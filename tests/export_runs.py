"""Small run folders as `nada adapt` and `nada evaluate` leave them, without running either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from checkpoint_makers import random_generator

from nada.checkpoints import hash_generator, save_adaptation, save_generator
from nada.images import save_png
from nada.models import Generator

TINY = {"resolution": 8, "channels": (6, 4), "z_dim": 5, "w_dim": 5, "mapping_layers": 2}


def score(value: float, title: str, **changes: Any) -> dict[str, Any]:
    """One number as `results.json` has it."""
    interval = {"value": value, "low": value - 0.1, "high": value + 0.1, "level": 0.95, "n": [24], "method": "bootstrap"}
    return {"title": title, **interval, "std": None, "features": "demo-judge", "better": "larger", "of": "x", **changes}


def evaluation_of(folder: Path) -> dict[str, Any]:
    """What `nada evaluate` writes, with a reference and a path of this machine in it."""
    scores = {
        "fd_demo_judge": score(0.25, "fd_demo_judge", better="smaller", n=[24, 30]),
        "clip_t_demo_judge": score(0.5, "CLIP-T"),
        "directional_demo_judge": score(0.75, "direction"),
        "is_demo_judge": score(2.0, "is_demo_judge", high=None),
    }
    protocol = {"size": 256, "prompt": "minimal logo", "reference": {"name": str(folder / "secret" / "fruits.zip")}}
    doubts = [{"text": "24 pictures are few.", "scores": ["fd_demo_judge"]}]
    left_out = {"lpips (x)": f"cannot read {folder}/secret/vgg.pth: it is damaged."}
    return {
        "command": "evaluate",
        "scores": scores,
        "doubts": doubts,
        "left_out": left_out,
        "options": {},
        "protocol": protocol,
    }


def make_adaptation(folder: Path, base: str | None = None, evaluated: bool = True) -> tuple[Path, Generator]:
    """A run of `nada adapt` below `folder`, and the generator that it adapted, which lies in `folder/secret/base`."""
    generator = random_generator(**TINY)
    spec = base or str(save_generator(folder / "secret" / "base", generator))
    run = folder / "00000-image-to-minimal-logo"
    name = "b8.conv1.weight"
    digest = hash_generator(generator)
    save_adaptation(
        run / "adaptation.safetensors",
        {name: generator.state_dict()[name] + 1},
        {"base": spec, "base_sha256": digest, "layers": "late:1"},
    )
    options = {"source": "image", "target": "minimal | logo", "generator": spec, "clip": [f"x={folder}/secret/clip.pt"]}
    record = {
        "command": "adapt",
        "options": options,
        "settings": {"layers": "late:1", "steps": 7, "seed": 3, "lr": 0.0016 * 512 / 96},
        "generator": spec,
        "generator_sha256": digest,
        "guide": {"encoders": [{"name": "demo", "weight": 1.0, "file": f"{folder}/secret/guide.bin"}]},
    }
    result = {"steps": 7, "best_step": 6, "ended": "all steps taken", "first_loss": 1.0, "last_loss": 0.5, "parameters": 144}
    result |= {"seconds": 1.5, "judge": "demo-judge", "judged": {"judge/cosine": 0.5}}
    for file, content in {"config.json": record, "result.json": result}.items():
        (run / file).write_text(json.dumps(content))
    save_png(run / "before-after.png", np.zeros((8, 16, 3), np.uint8), {"nada": json.dumps(options)})
    (run / "README.md").write_text(f"# the run's own card, {folder}/secret\n")
    if evaluated:
        (run / "results.json").write_text(json.dumps(evaluation_of(folder)))
    return run, generator
