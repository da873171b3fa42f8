"""Lists of seeds: what people write, and how long it may be."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from nada.errors import UsageError
from nada.generation.layers import parse_layers
from nada.generation.seeds import Seeds, parse_seeds


def test_ranges_include_both_ends_and_keep_their_order() -> None:
    """Fails where the last one is left out, as Python's ranges do, or seeds are sorted."""
    assert parse_seeds("10-12,3, 7 - 8") == [10, 11, 12, 3, 7, 8]


def test_repeated_seeds_stay_until_they_are_taken_out() -> None:
    """A walk may come back to its start; files of one name may not be written twice."""
    seeds = parse_seeds("1,2,1,0-3")
    assert list(seeds) == [1, 2, 1, 0, 1, 2, 3] and list(seeds.unique()) == [1, 2, 0, 3]


def test_a_huge_range_takes_no_memory() -> None:
    """Fails where it becomes a list: ten million numbers are 400 MB."""
    tracemalloc.start()
    seeds = parse_seeds("5,0-10000000,9999990-10000010").unique()
    assert len(seeds) == 10_000_011 and seeds[-1] == 10_000_010 and seeds[:3] == [5, 0, 1]
    assert 4_294_967_295 not in seeds and 77 in seeds
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_it_is_a_sequence_like_a_list() -> None:
    """Every way in, held against plain lists, overlaps of all kinds included."""
    draw = random.Random(0)
    for _ in range(300):
        parts = [
            range(start, start + draw.randint(1, 12)) for start in (draw.randint(0, 30) for _ in range(draw.randint(1, 6)))
        ]
        plain, seeds = [seed for part in parts for seed in part], Seeds(parts)
        assert list(seeds) == plain == seeds[:] and len(seeds) == len(plain) and seeds[-1] == plain[-1]
        assert seeds[1:-1:2] == plain[1:-1:2] and seeds.index(plain[0]) == 0
        assert list(seeds.unique()) == list(dict.fromkeys(plain))
    with pytest.raises(IndexError):
        seeds[len(plain)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-3", "'-3': seeds are whole numbers"),
        ("9-2", "9-2 runs backwards; write 2-9"),
        ("", "seeds are whole numbers"),
        ("1,,2", "seeds are whole numbers"),
        ("1.5", "seeds are whole numbers"),
        ("٣", "seeds are whole numbers"),
        ("4294967296", "seeds end at 4294967295"),
        ("9" * 5000, "seeds are whole numbers"),
    ],
)
def test_what_is_no_seed_costs_a_sentence(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        parse_seeds(text)
    assert len(str(caught.value)) < 160


def test_layers_by_name_and_number() -> None:
    """The names of the paper's figure: two layers for each size, 4 to 8 px, 16 to 32 px, and the rest."""
    assert parse_layers("coarse", 10) == (0, 1, 2, 3) and parse_layers("fine", 10) == (8, 9)
    assert parse_layers("5-7,2,5", 10) == (2, 5, 6, 7)
    for text in ("fine", "0-8", "rough", "0-10000000", "-1"):
        with pytest.raises(UsageError, match="--mix-layers"):
            parse_layers(text, 8)
