"""Parts of a study for the jobs of an array."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from nada.errors import UsageError

Item = TypeVar("Item")


def take_shard(items: Sequence[Item], shard: str | None) -> list[Item]:
    """Return every N-th item from the i-th on for `i/N`, i from 0 to N - 1; all of them for None.

    Raises:
        UsageError: for a shard that cannot be read, or that does not exist.
    """
    if shard is None:
        return list(items)
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", shard.strip())
    if match is None:
        raise UsageError(f"--shard {shard!r} is not i/N, as 0/4 for the first of four.")
    number, count = int(match[1]), int(match[2])
    if not number < count:
        raise UsageError(
            f"--shard {shard}: shards count from 0, so there are 0/{max(count, 1)} to {max(count, 1) - 1}/{max(count, 1)}."
        )
    return list(items[number::count])
