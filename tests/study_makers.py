"""Small studies with made-up guides on a generator of a few thousand numbers, and a process that is there to be killed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from evaluation_fakes import Encoder, load_fake
from fakes import tiny_generator
from nada import checkpoints
from nada.clip import Guide
from nada.config.adapt import AdaptConfig
from nada.config.study import StudyConfig

TESTS = Path(__file__).parent

NURSERY = """
import json, os, sys
import torch._dynamo, torch.utils.tensorboard  # what a study would load by and by
import nada.generation.seeds, study_makers
from nada.config.fields import from_json
from nada.config.study import StudyConfig
from nada.errors import NadaError
from nada.study.runner import run_study
study_makers.patch(setattr)
for line in sys.stdin:
    asked = json.loads(line)
    if "wait" in asked:
        answer = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
    else:
        answer = os.fork()
        if answer == 0:
            os.setpgid(0, 0)
            try:
                study = run_study(from_json(StudyConfig, asked["options"]), say=lambda line: None)
            except NadaError as error:
                os._exit(error.exit_code)
            os._exit(130 if study.interrupted else 1 if study.failed else 0)
    print(answer, flush=True)
"""


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


class Nursery:
    """A process with everything loaded, which forks one study after the other."""

    def __init__(self) -> None:
        path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path},
        )

    def _ask(self, **asked: Any) -> int:
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def start(self, config: StudyConfig) -> int:
        """Start a study in a process group of its own; returns its process number."""
        return self._ask(options=asdict(config))

    def wait(self, process: int) -> int:
        """Wait for the end of a study; returns its exit code, negative for a signal."""
        return self._ask(wait=process)

    def close(self) -> None:
        """End the process; what it forked must have ended."""
        self._process.communicate(timeout=60)
