"""Means, paired tests and corrections: against data whose answers are printed, and against counting."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from nada.study.statistics import Comparison, Spread, compare, corrected, holm, paired_t, sign_flip, spread

# Student 1908, hours of sleep gained by the second drug over the first, ten patients; the differences of R's `sleep`.
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
# Darwin's fifteen pairs of maize plants, crossed minus selfed, in eighths of an inch (Fisher 1935, section 21).
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def test_the_paired_test_on_students_own_data() -> None:
    found = spread(SLEEP)
    assert found.mean == pytest.approx(1.58)
    assert (found.low, found.high) == pytest.approx((0.7001142, 2.4598858), abs=1e-7)
    assert paired_t(SLEEP) == pytest.approx(0.00283289, abs=1e-8)


def test_the_flipped_signs_of_darwins_maize() -> None:
    """Fisher counted 863 of 2**15 sums on each side by hand; ties counted as smaller would give fewer."""
    assert sign_flip(MAIZE) == 2 * 863 / 2**15


@pytest.mark.parametrize("n", [1, 2, 3, 6, 9])
def test_flipped_signs_are_all_of_them(n: int) -> None:
    values = [random.Random(n).choice([-0.3, -0.1, 0.1, 0.2, 0.3]) + 0.05 for _ in range(n)]
    patterns = list(itertools.product((1, -1), repeat=n))
    sums = [abs(math.fsum(sign * value for sign, value in zip(signs, values))) for signs in patterns]
    expected = sum(one >= abs(math.fsum(values)) - 1e-9 for one in sums) / len(sums)
    assert sign_flip(values) == expected and expected >= 2 / 2**n


def test_sums_that_differ_in_their_last_digit_are_ties() -> None:
    """0.1 + 0.2 and 0.3 are no equal floats. Of the 32 sums all are as far out as 0.2 but the six that are 0."""
    assert sign_flip([0.1, 0.2, -0.3, 0.1, 0.1]) == 26 / 32


def test_what_cannot_be_said_is_not_said() -> None:
    assert spread([]) == Spread(0) == spread([math.nan])
    assert spread([0.5, math.nan]) == Spread(1, 0.5), "one number has a mean and no interval"
    assert compare([0.1]) == Comparison(Spread(1, 0.1), None, 1.0)
    assert paired_t([0.1, 0.1, 0.1]) is None, "equal differences have no t, least of all an infinite one"
    assert spread([0.1, 0.1, 0.1]).std == 0.0, "the rounding of a mean is no spread"
    assert sign_flip([]) is None and sign_flip([1.0] * 17) is None and sign_flip([1.0] * 16) == 2 / 2**16


def test_an_interval_ends_where_the_possible_values_end() -> None:
    found = spread([0.2, 0.9], (0.0, 1.0))
    assert (found.low, found.high) == (0.0, 1.0) and found.reach == pytest.approx(12.7062 * 0.35, abs=1e-4)
    assert spread([0.5]).reach is None


def test_holm_steps_down_and_never_back() -> None:
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "e": None})
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02, "e": None})
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


def test_holm_is_the_closure_of_bonferroni() -> None:
    """A hypothesis falls where every set of hypotheses that has it falls by its smallest p-value times its size."""
    rng = random.Random(4)
    for _ in range(20):
        p = {name: round(rng.random() ** 3, 3) for name in "abcde"}
        subsets = [set(some) for size in range(1, 6) for some in itertools.combinations(p, size)]
        closed = {name: min(1.0, max(len(s) * min(p[o] for o in s) for s in subsets if name in s)) for name in p}
        assert holm(p) == pytest.approx(closed)


def test_both_tests_are_corrected_apart() -> None:
    found = corrected({"x": compare(SLEEP), "y": compare([0.1, -0.2, 0.3, 0.1])})
    assert found["x"].p_holm == pytest.approx(2 * found["x"].p_t) and found["y"].p_holm == found["y"].p_t
    assert found["x"].p_flip_holm == pytest.approx(2 * found["x"].p_flip)
