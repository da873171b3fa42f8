"""What a metric is given to compute: which pictures, how many at once."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_fakes import load_fake

from nada.evaluation.computing import METRICS
from nada.evaluation.shelves import Seen
from nada.evaluation.sight import Sight


@pytest.mark.parametrize(
    ("counts", "how"),
    [
        ((8, 50), "all at once"),
        ((50, 50), "all at once"),
        ((8, 51), "100 subsets of 8"),
        ((51, 8), "100 subsets of 8"),
        ((60, 70), "100 subsets of 10"),
    ],
)
def test_pairs_of_a_large_reference_are_not_all_looked_at(
    counts: tuple[int, int], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails where few pictures before a large reference take longer than many, as all pairs of that reference would."""
    monkeypatch.setattr("nada.evaluation.computing.SUBSET_SIZE", 10)
    monkeypatch.setattr("nada.evaluation.computing.WHOLE", 50)
    eye, rng = load_fake("demo-judge"), np.random.default_rng(0)
    seen, reference = (Seen(n, {eye.tag: rng.normal(size=(n, 4)).astype(np.float32)}) for n in counts)
    (score,) = METRICS["kernel"].compute(Sight((eye,), eye, seen, reference), eye)
    assert score.estimate.n == counts and score.estimate.method == f"jackknife, {how}"
