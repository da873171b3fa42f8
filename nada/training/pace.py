"""How long a training will take, told once its first steps are timed."""

from __future__ import annotations

import time
from collections.abc import Callable

from nada.durations import in_words
from nada.training.plan import Plan

_ENOUGH = 60.0  # seconds; slower trainings are judged by the steps that fit


class Pace:
    """Timed from the end of the first step, which builds and warms up, over one round of what not every step does."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        recipe = plan.recipe
        self._plan, self._say = plan, say
        self._round = max(recipe.r1_interval if recipe.gamma else 1, recipe.path_interval if recipe.path_length else 1)
        self._start: tuple[int, float] | None = None
        self._told = False

    def step(self, step: int) -> None:
        """Take note that `step` is done, and say how long the rest will take as soon as that can be told."""
        now = time.perf_counter()
        if self._start is None:
            self._start = step, now
            return
        taken, seconds = step - self._start[0], now - self._start[1]
        if self._told or step >= self._plan.steps or (taken < self._round and seconds < _ENOUGH):
            return
        self._told = True
        self._say(self._estimate(taken * self._plan.recipe.batch / seconds, (self._plan.steps - step) * seconds / taken))

    def _estimate(self, speed: float, left: float) -> str:
        pace = f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"
        line = f"about {in_words(left)} at {pace} pictures a second"
        limit = 60 * (self._plan.config.duration or float("inf"))
        return f"{line}; --duration ends it after {in_words(limit)}" if limit < left else line
