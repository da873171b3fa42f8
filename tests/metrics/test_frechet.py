"""The Fréchet distance against closed forms, and its two ways of computing against each other."""

from __future__ import annotations

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import frechet_distance


def diagonal_truth(a: np.ndarray, b: np.ndarray, ddof: int) -> float:
    """For one dimension: squared difference of the means plus squared difference of the standard deviations."""
    return float(sum((x.mean() - y.mean()) ** 2 + (x.std(ddof=ddof) - y.std(ddof=ddof)) ** 2 for x, y in zip(a.T, b.T)))


@pytest.mark.parametrize("ddof", [0, 1])
def test_one_dimension_is_the_closed_form(ddof: int) -> None:
    """Fails where the covariance is divided by the other count, or the trace term has a wrong factor."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 2, (40, 1)), rng.normal(3, 5, (30, 1))
    assert frechet_distance(a, b, ddof) == pytest.approx(diagonal_truth(a, b, ddof), rel=1e-12)
