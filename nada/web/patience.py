"""How long to wait: between tries that fail, and between requests to the same server."""

from __future__ import annotations

import email.utils
import math
import random
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Clock:
    """Where time and chance come from, so that a test need not wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    date: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random


@dataclass(frozen=True)
class Patience:
    """How often to try, and how long to wait in between.

    Attributes:
        attempts: tries in all, the first one included.
        pause: seconds before the second try; doubled each time.
        longest: no wait is longer; a server that asks for more is given up for today.
    """

    attempts: int = 5
    pause: float = 1.0
    longest: float = 120.0

    def delay(self, failures: int, chance: float) -> float:
        """Seconds to wait after that many failures; `chance` in [0, 1) spreads clients that failed together."""
        return min(self.longest, self.pause * 2 ** (failures - 1)) * (0.5 + chance / 2)


@dataclass
class Pace:
    """Keeps requests to the same server at least `interval` seconds apart."""

    interval: float
    clock: Clock
    _free: dict[str, float] = field(default_factory=dict)

    def wait(self, url: str) -> None:
        """Return when the server of `url` may be asked."""
        host = urllib.parse.urlsplit(url).netloc
        now = self.clock.now()
        start = max(now, self._free.get(host, now))
        if start > now:
            self.clock.sleep(start - now)
        self._free[host] = start + self.interval


def retry_after(headers: Mapping[str, str], clock: Clock) -> float | None:
    """Seconds that the header Retry-After asks to wait, given as a number or as a date; None if it does not."""
    asked = (headers.get("Retry-After") or "").strip()
    if not asked:
        return None
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(asked).timestamp() - clock.date()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
