"""Times of functions beside one another: interleaved, repeated, as medians; and the bandwidth of a copy."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import torch

Function = Callable[[], object]


def seconds(function: Function, repeats: int, device: str) -> float:
    """Return the mean time of one call over `repeats` calls in a row; on a GPU by its own clock."""
    if device.startswith("cuda"):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize(device)
        start.record()
        for _ in range(repeats):
            function()
        end.record()
        torch.cuda.synchronize(device)
        return start.elapsed_time(end) / 1000 / repeats
    started = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - started) / repeats


def interleaved(
    functions: Mapping[str, Function], device: str = "cpu", budget: float = 1.0, shortest: float = 2e-3
) -> dict[str, list[float]]:
    """Time functions in turn: first, second, …, first, second, …, so that a busy moment touches all of them.

    Args:
        budget: seconds to spend after the warm-up; three rounds are made in any case, and at most 25.
        shortest: what one measurement lasts at least, by calling the function several times.

    Returns:
        seconds of one call, round by round.
    """
    calls: dict[str, int] = {}
    spent = 0.0
    for name, function in functions.items():
        seconds(function, 1, device)  # loads libraries and fills caches
        once = seconds(function, 2, device)
        calls[name] = max(1, round(shortest / max(once, 1e-7)))
        spent += once * calls[name]
    rounds = int(min(max(budget / max(spent, 1e-9), 3), 25))
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(seconds(function, calls[name], device))
    return times


def medians(times: Mapping[str, list[float]]) -> dict[str, float]:
    """Return the median of every list."""
    return {name: statistics.median(values) for name, values in times.items()}


class CopyBandwidth:
    """What the machine moves when torch copies one large tensor to another: bytes read plus bytes written, a second.

    Measured several times in the course of a run; `value` is the median.
    """

    def __init__(self, device: str = "cpu", megabytes: int = 256) -> None:
        self.device = device
        self.source = torch.ones(megabytes * 2**18, device=device)
        self.target = torch.zeros_like(self.source)
        self.samples: list[float] = []

    def sample(self) -> float:
        """Measure once more and return the bytes per second of this time."""
        time_of_copy = seconds(lambda: self.target.copy_(self.source), 3, self.device)
        self.samples.append(2 * self.source.nbytes / time_of_copy)
        return self.samples[-1]

    @property
    def value(self) -> float:
        """Median bytes per second."""
        return statistics.median(self.samples)
