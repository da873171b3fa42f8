"""Student's t: against printed tables and against the area under its density."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nada.errors import NadaError
from nada.study.student import t_quantile, t_two_sided, t_within

# Two-sided 95 % and 99 %, as every textbook prints them.
TABLE = {1: (12.706, 63.657), 2: (4.303, 9.925), 3: (3.182, 5.841), 4: (2.776, 4.604), 5: (2.571, 4.032), 8: (2.306, 3.355),
         9: (2.262, 3.250), 20: (2.086, 2.845), 29: (2.045, 2.756), 120: (1.980, 2.617)}  # fmt: skip


@pytest.mark.parametrize("df", TABLE)
def test_quantiles_are_those_of_the_tables(df: int) -> None:
    """An even and an odd series each; taking n for n - 1, or one side for two, is far off at few degrees of freedom."""
    assert [round(t_quantile(level, df), 3) for level in (0.95, 0.99)] == list(TABLE[df])


@pytest.mark.parametrize("df", [1, 2, 3, 4, 7, 10, 31])
def test_probabilities_are_areas_under_the_density(df: int) -> None:
    factor = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)
    for t in (0.3, 1.0, 2.5, 6.0):
        x = np.linspace(-t, t, 20_001)
        heights = factor * (1 + x * x / df) ** (-(df + 1) / 2)
        area = float((heights[1:] + heights[:-1]).sum()) * (x[1] - x[0]) / 2
        assert t_within(t, df) == pytest.approx(area, abs=1e-7)
        assert t_two_sided(-t, df) == pytest.approx(1 - area, abs=1e-7)


def test_ends_and_nonsense() -> None:
    assert t_two_sided(0.0, 4) == 1.0 and t_two_sided(math.inf, 4) == 0.0
    assert t_within(t_quantile(0.95, 2), 2) == pytest.approx(0.95, abs=1e-14)
    with pytest.raises(NadaError, match="degrees of freedom"):
        t_within(1.0, 0)
    with pytest.raises(NadaError, match="between 0 and 1"):
        t_quantile(95, 3)
