"""What a training says of its length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from nada.config.train import TrainConfig
from nada.training import pace, run_training


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Time that stands still unless it is told to go on."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    yield clock


def told(clock: SimpleNamespace, seconds: list[float], steps: int, **changes: float) -> list[tuple[int, str]]:
    """What is said after steps that take so long each, a round of R1 being four."""
    recipe = SimpleNamespace(batch=16, gamma=0.1, r1_interval=4, path_length=0.0, path_interval=9)
    config = SimpleNamespace(**{"duration": None, **changes})
    said: list[tuple[int, str]] = []
    step = 100
    gauge = pace.Pace(SimpleNamespace(recipe=recipe, config=config, steps=steps), lambda line: said.append((step, line)))
    for taken in seconds:
        clock.now += taken
        step += 1
        gauge.step(step)
    return said


def test_the_rest_is_estimated_once_without_the_first_step(clock: SimpleNamespace) -> None:
    """Catches a compilation counted as a step, a round without its R1, and a line for every step."""
    assert told(clock, [500, 1, 1, 1, 5, 1, 1], 1905) == [(105, "about 60 min at 8 pictures a second")]
    assert told(clock, [1, 0.1, 0.1, 0.1, 0.1], 1005) == [(105, "about 90 s at 160 pictures a second")]


def test_slow_steps_are_not_waited_for(clock: SimpleNamespace) -> None:
    """On a CPU a round of a large network is an hour; two steps must do."""
    said = told(clock, [90, 80, 80], 6350, duration=30.0)
    assert said == [(102, "about 138.8 h at 0.2 pictures a second; --duration ends it after 30 min")]


def test_a_short_training_estimates_nothing(clock: SimpleNamespace) -> None:
    assert told(clock, [1, 1, 1, 1, 70], 105) == []


def test_a_run_says_where_it_is_and_how_long_it_takes(config: TrainConfig) -> None:
    """Catches a training of days that starts without a word, and one that nobody finds before its end."""
    said: list[str] = []
    outcome = run_training(replace(config, kimg=0.08, snapshot_kimg=1, samples_kimg=1), said.append)
    assert f"run: {outcome.folder}" in said and sum(line.startswith("about ") for line in said) == 1
