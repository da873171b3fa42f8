"""Times as people say them."""

from __future__ import annotations


def in_words(seconds: float) -> str:
    """A time in the largest unit that fits: `50 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
