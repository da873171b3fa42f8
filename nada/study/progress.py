"""How far a study is: a bar with the time left where somebody looks, else a line for every cell."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tqdm import tqdm

from nada.durations import in_words
from nada.study.cell import Cell

Say = Callable[[str], None]


class Progress:
    """Counts the cells of a study as they are done, and says how long the others will take at that pace.

    Args:
        say: told a line per cell where no bar is shown.
        total: how many cells there are, of which `done` are there already.
    """

    def __init__(self, say: Say, total: int, done: int) -> None:
        self._say, self._total, self._done, self._first = say, total, done, done
        self._begun = time.monotonic()
        self.failed = 0
        self._bar = tqdm(
            total=total, initial=done, unit="cell", desc="cells", smoothing=0.1, disable=not sys.stderr.isatty()
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()

    def note(self, cell: Cell, record: dict[str, Any]) -> None:
        """A cell is done, or has failed for good."""
        self._done += 1
        self.failed += record["error"] is not None
        if self._bar.disable:
            self._say(f"{self._done}/{self._total}  {cell.title()}: {_told(record)}{self._left()}")
            return
        if record["error"] is not None:
            self._bar.write(f"{cell.title()}: {_told(record)}", file=sys.stderr)
        self._bar.set_postfix_str(f"{self.failed} failed" if self.failed else cell.policy, refresh=False)
        self._bar.update()

    def _left(self) -> str:
        left, made = self._total - self._done, self._done - self._first
        return f" – {in_words((time.monotonic() - self._begun) / made * left)} left" if left > 0 else ""


def _told(record: dict[str, Any]) -> str:
    if record["error"] is not None:
        return f"failed: {record['error']}"
    measures = record["measures"]
    numbers = ", ".join(f"{name} {measures[name]:.2f}" for name in ("direction", "content") if measures[name] is not None)
    return f"{numbers} ({sum(record['seconds'].values()):.0f} s)"
