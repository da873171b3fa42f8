"""Lists of seeds as people write them: "0-99,200". A range takes no memory, however long it is."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import overload

from nada.errors import UsageError

LARGEST = 2**32 - 1  # where NumPy's seeds end
_PART = re.compile(r"([0-9]{1,20})(?:\s*-\s*([0-9]{1,20}))?")


class Seeds(Sequence[int]):
    """Seeds in a fixed order, held as ranges.

    >>> seeds = Seeds([range(0, 3), range(7, 8)])
    >>> len(seeds), seeds[3], list(seeds[1:]), 5 in seeds
    (4, 7, [1, 2, 7], False)
    """

    def __init__(self, parts: Sequence[range]) -> None:
        self._parts = tuple(part for part in parts if len(part))
        self._ends = list(accumulate(len(part) for part in self._parts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[int]:
        for part in self._parts:
            yield from part

    def __contains__(self, seed: object) -> bool:
        return any(seed in part for part in self._parts)

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...

    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        places = range(len(self))[index]
        return self._at(places) if isinstance(places, int) else [self._at(place) for place in places]

    def _at(self, place: int) -> int:
        number = bisect_right(self._ends, place)
        return self._parts[number][place - self._ends[number]]  # counted from the part's end

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Seeds, list, tuple, range)):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        words = (str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in self._parts)
        return f"Seeds({','.join(words)})"

    def unique(self) -> Seeds:
        """Return every seed once, where it came first.

        >>> list(parse_seeds("5,0-2,1-6").unique())
        [5, 0, 1, 2, 3, 4, 6]
        """
        taken: list[tuple[int, int]] = []  # apart from one another, in ascending order
        return Seeds([new for part in self._parts for new in _take(taken, part)])


def _take(taken: list[tuple[int, int]], part: range) -> list[range]:
    """What of `part` is not in `taken`, which it is then put into."""
    first = bisect_right(taken, part.start, key=lambda piece: piece[1])
    last = bisect_left(taken, part.stop, key=lambda piece: piece[0])
    inside = taken[first:last]
    edges = [part.start, *(edge for piece in inside for edge in piece), part.stop]
    new = [range(start, stop) for start, stop in zip(edges[::2], edges[1::2]) if start < stop]
    taken[first:last] = [(min(edges[:2]), max(edges[-2:]))]
    return new


def parse_seeds(text: str, flag: str = "--seeds") -> Seeds:
    """Read seeds and ranges of seeds, both ends included, with commas between; repeated ones are kept.

    >>> list(parse_seeds("0-3, 10, 2"))
    [0, 1, 2, 3, 10, 2]
    >>> len(parse_seeds("0-10000000"))
    10000001

    Raises UsageError, naming `flag`, for anything else, for ranges that run backwards and for seeds above 4294967295.
    """
    parts = []
    for piece in text.split(","):
        match = _PART.fullmatch(piece.strip())
        if match is None:
            shown = piece.strip()[:40] or text.strip()[:40]
            raise UsageError(f"{flag} {shown!r}: seeds are whole numbers from 0 on and ranges of them, such as 0-99,200.")
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise UsageError(f"{flag} {first}-{last} runs backwards; write {last}-{first}.")
        if last > LARGEST:
            raise UsageError(f"{flag} {last}: seeds end at {LARGEST}.")
        parts.append(range(first, last + 1))
    return Seeds(parts)
