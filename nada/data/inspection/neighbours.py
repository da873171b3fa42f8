"""All pairs of hashes within a Hamming distance, without comparing every pair; and groups made of them.

Multi-index hashing (Norouzi, Punjani and Fleet 2012): two words of 64 bits that differ in at most `d` bits differ in
at most `d // 4` bits within at least one of their four quarters. So it is enough to look every quarter up among its
neighbours in a sorted list of quarters, and to compare whole words only where one is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from nada.data.inspection.hashing import count_bits
from nada.errors import UsageError

MAX_DISTANCE = 11  # above it a quarter has too many neighbours, and pictures that differ would be called alike
MAX_PAIRS = 5_000_000
_QUARTERS, _WIDTH = 4, 16
_AT_ONCE = 1 << 20  # candidates compared at a time, which bounds the memory


def check_distance(distance: int) -> None:
    """Raise UsageError for a distance outside 0 to 11."""
    if not 0 <= distance <= MAX_DISTANCE:
        raise UsageError(f"the distance of near duplicates is a number from 0 to {MAX_DISTANCE}, not {distance}.")


def near_pairs(hashes: np.ndarray, distance: int, limit: int = MAX_PAIRS) -> tuple[np.ndarray, bool]:
    """Pairs `(P, 2)` of indices i < j, sorted, whose hashes `(N,)` uint64 differ in at most `distance` bits.

    The second value says whether the search stopped because there are more than `limit`. Raises UsageError for a
    distance outside 0 to 11.
    """
    check_distance(distance)
    found: list[np.ndarray] = [np.zeros(0, np.int64)]
    count = 0
    for left, right in _candidates(hashes, distance):
        close = count_bits(hashes[left] ^ hashes[right]) <= distance
        keys = left[close] * len(hashes) + right[close]
        found.append(keys)
        count += len(keys)
        if count > 2 * limit:
            found, count = _merge(found)
            if count > limit:
                break
    keys = _merge(found)[0][0]
    pairs = np.stack(np.divmod(keys[:limit], max(1, len(hashes))), axis=1)
    return pairs, len(keys) > limit


def _merge(found: list[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """The keys once each; a pair is found in every quarter that is near."""
    keys = np.unique(np.concatenate(found))
    return [keys], len(keys)


def _candidates(hashes: np.ndarray, distance: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for quarter in range(_QUARTERS):
        values = (hashes >> np.uint64(_WIDTH * quarter)) & np.uint64((1 << _WIDTH) - 1)
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        for flipped in _flips(distance // _QUARTERS):
            looked_up = values ^ np.uint64(flipped)
            first = np.searchsorted(ordered, looked_up, "left")
            last = np.searchsorted(ordered, looked_up, "right")
            yield from _expand(order, first, last - first)


def _flips(radius: int) -> list[int]:
    """Every pattern of at most `radius` bits in a quarter."""
    return [sum(1 << bit for bit in bits) for count in range(radius + 1) for bits in combinations(range(_WIDTH), count)]


def _expand(order: np.ndarray, first: np.ndarray, counts: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Turn a range of the sorted list per picture into pairs i < j, a bounded number at a time."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    for start in range(0, total, _AT_ONCE):
        places = np.arange(start, min(total, start + _AT_ONCE))
        left = np.searchsorted(ends, places, "right")
        right = order[first[left] + places - (ends[left] - counts[left])]
        forward = left < right
        yield left[forward], right[forward]


def group_stars(pairs: np.ndarray, count: int) -> list[list[int]]:
    """Groups of neighbours, the largest first: each is one item and neighbours of it that no earlier group took.

    Following neighbours of neighbours instead would chain the frames of a film into one group whose ends are nothing
    alike; here every member is near the first one of its group.
    """
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    starts = np.searchsorted(both[:, 0], np.arange(count + 1))
    degrees = np.diff(starts)
    taken = np.zeros(count, bool)
    groups = []
    for centre in np.argsort(-degrees, kind="stable"):
        if degrees[centre] == 0:
            break
        around = both[starts[centre] : starts[centre + 1], 1]
        members = around[~taken[around]]
        if taken[centre] or not len(members):
            continue
        taken[centre] = taken[members] = True
        groups.append([int(centre), *members.tolist()])
    return sorted(groups, key=lambda group: (-len(group), group[0]))
