"""What a person fears most of a long study: the machine goes down in the middle, or somebody is impatient."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import time
from pathlib import Path

import pytest
from nursery import Nursery
from study_makers import patch, quiet, records, timeless, tiny_study

from nada.config.study import StudyConfig
from nada.study import run_study

KILLS = 10


def study_of(folder: Path) -> StudyConfig:
    return tiny_study(folder, layers=("late:1", "all"), seeds="0-2")


def wait_for(out: Path, count: int) -> None:
    end = time.monotonic() + 60
    while len(list(out.glob("cells/*/cell.json"))) < count:
        assert time.monotonic() < end, "the study does not get on"
        time.sleep(0.002)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as monkeypatch:
        patch(monkeypatch.setattr)
        config = study_of(tmp_path_factory.mktemp("unbroken"))
        run_study(config, quiet)
    return Path(config.out)


def test_a_study_killed_ten_times_ends_with_the_bytes_of_the_unbroken_one(
    unbroken: Path, nursery: Nursery, tmp_path: Path
) -> None:
    """At random moments, the runner alone: its workers have to notice. Fails if a half cell counts or an old worker writes on."""
    config = study_of(tmp_path)
    cells = len(records(unbroken))
    seed = random.SystemRandom().randrange(2**32)
    draw = random.Random(seed)
    for number in range(KILLS):
        process = nursery.start(dataclasses.replace(config, jobs=1 + number % 2))
        wait_for(Path(config.out), number * cells // KILLS)
        time.sleep(draw.uniform(0, 0.15))
        os.kill(process, signal.SIGKILL)
        assert nursery.wait(process) in (-signal.SIGKILL, 0), f"seed {seed}"
    assert nursery.wait(nursery.start(config)) == 0, f"seed {seed}"
    assert records(config.out) == records(unbroken), f"seed {seed}"
    assert timeless(config.out) == timeless(unbroken), f"seed {seed}"
    assert not list(Path(config.out).glob("cells/.*")), "locks of the dead stay for ever"
    events = [len(list(folder.glob("events.*"))) for folder in Path(config.out).glob("cells/*_seed*")]
    assert events == [1] * (cells - 1), "a cell was made on top of what a killed one had left"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_study_soon_and_it_goes_on(unbroken: Path, nursery: Nursery, tmp_path: Path, number: int) -> None:
    """Ctrl-C reaches the whole group of processes; the workers must not record it as a failure."""
    config = study_of(tmp_path)
    process = nursery.start(config)
    wait_for(Path(config.out), 2)
    os.killpg(process, number)
    assert nursery.wait(process) == 130
    before = records(config.out)
    assert 2 <= len(before) < len(records(unbroken)) and not any(record["error"] for record in before.values())
    assert nursery.wait(nursery.start(config)) == 0
    assert timeless(config.out) == timeless(unbroken)


def test_two_runners_in_one_folder_share_the_work(unbroken: Path, nursery: Nursery, tmp_path: Path) -> None:
    """Started twice by mistake, or as shards that overlap: no cell is spoilt."""
    config = study_of(tmp_path)
    processes = [nursery.start(config) for _ in range(2)]
    assert [nursery.wait(process) for process in processes] == [0, 0]
    assert nursery.wait(nursery.start(config)) == 0
    assert records(config.out) == records(unbroken)
