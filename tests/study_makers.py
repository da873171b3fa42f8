"""Small studies with made-up guides on a generator of a few thousand numbers, and a process that is there to be killed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from evaluation_fakes import Encoder, load_fake
from fakes import tiny_generator

from nada import checkpoints
from nada.clip import Guide
from nada.config.adapt import AdaptConfig
from nada.config.fields import from_json
from nada.config.study import StudyConfig
from nada.errors import NadaError


def make_guide(config: AdaptConfig, device: object) -> Guide:
    """Stands in for the guide of an adaptation."""
    return Guide([Encoder("guide")], config.source, config.target, augment="shared")


def patch(change: Any, pages: bool = False) -> None:
    """Put made-up guides and judges in place, and have workers forked, so that they have them too.

    Args:
        change: `setattr`, or that of pytest's monkeypatch.
        pages: whether a study ends with its page and board, which take longer than its cells.
    """
    from nada.adaptation import plan as adapting
    from nada.study import concluding, crew, plan, workshop

    for name, value in () if pages else (("write_report", "report"), ("write_board", "board"), ("summary_lines", ())):
        change(concluding, name, lambda *_, value=value: value)
    change(adapting, "_guide", make_guide)
    change(plan, "load_features", load_fake)
    change(workshop, "load_features", load_fake)
    change(crew, "START", "fork")
    torch.set_num_threads(1)


def make_tiny(folder: Path, classes: int = 2) -> str:
    """A generator of 16 px in a folder; returns its spec."""
    return str(checkpoints.save_generator(folder, tiny_generator(16, classes)))


def tiny_study(folder: Path, **changes: Any) -> StudyConfig:
    """Two policies beside `none`, one pair, two seeds, two steps."""
    if not (folder / "tiny").exists():
        make_tiny(folder / "tiny")
    options = {
        "source": "photo", "target": "ink sketch", "generator": str(folder / "tiny"), "layers": ("late:1", "auto:2"),
        "lr": ("auto",), "seeds": "0,1", "steps": 2, "batch": 2, "num": 8, "threads": 1, "device": "cpu",
        "precision": "fp32", "out": str(folder / "study"),
    }  # fmt: skip
    return StudyConfig(**{**options, **changes})


def quiet(line: str) -> None:
    """Swallow what a study says."""


def timeless(out: Path | str) -> str:
    """`study.csv` without the columns of times, which come last."""
    lines = (Path(out) / "study.csv").read_text().splitlines()
    count = sum(not name.startswith("seconds") for name in lines[0].split(","))
    assert not re.search(r'"', "".join(lines)), "the sentence of an error, with a comma: split it properly"
    return "\n".join(",".join(line.split(",")[:count]) for line in lines)


def records(out: Path | str) -> dict[str, dict[str, Any]]:
    """All `cell.json` of a study, by folder, without their times."""
    found = {path.parent.name: json.loads(path.read_text()) for path in Path(out).glob("cells/*/cell.json")}
    return {name: {**record, "seconds": None} for name, record in sorted(found.items())}


def warm() -> None:
    """Load what a study would load by and by, with made-up guides in place."""
    import torch._dynamo
    import torch.utils.tensorboard  # noqa: F401

    import nada.generation.seeds
    import nada.study.runner  # noqa: F401

    patch(setattr)


def work(options: dict[str, Any]) -> int:
    """A study in a process of a `Nursery`; returns its exit code."""
    from nada.study.runner import run_study

    try:
        study = run_study(from_json(StudyConfig, options), say=quiet)
    except NadaError as error:
        return error.exit_code
    return 130 if study.interrupted else 1 if study.failed else 0
