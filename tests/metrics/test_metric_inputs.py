"""What comes in: every metric refuses the same mistakes, and takes what people have."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from nada import metrics
from nada.errors import NadaError

TWO_SETS: list[Callable[..., object]] = [
    metrics.frechet_distance,
    metrics.frechet_estimate,
    metrics.frechet_infinity,
    metrics.kernel_distance,
    metrics.clip_mmd,
    metrics.sliced_distance,
    metrics.sliced_estimate,
    metrics.precision_recall,
    metrics.density_coverage_estimate,
    metrics.clip_i,
    metrics.clip_i_paired,
    metrics.neighbour_overlap,
    metrics.retained_diversity,
    metrics.detect_collapse,
]
ONE_SET: list[Callable[..., object]] = [
    metrics.inception_score,
    metrics.prompt_diversity,
    metrics.compactness,
    metrics.effective_dimension,
    metrics.moments,
]


def features(n: int = 1200, d: int = 3) -> np.ndarray:
    return np.random.default_rng(n + d).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("metric", TWO_SETS, ids=lambda metric: metric.__name__)
def test_two_sets_that_make_no_sense_are_refused(metric: Callable[..., object]) -> None:
    """One sentence that says which set, and what of it; never a number."""
    good = features()
    with pytest.raises(NadaError, match="3 columns and the (second|generated) .* 4"):
        metric(good, features(1200, 4))
    bad = good.copy()
    bad[1100, 1] = np.nan
    with pytest.raises(NadaError, match="have NaN or infinity, first in row 1100"):
        metric(good, bad)
    bad[1100, 1] = np.inf
    with pytest.raises(NadaError, match="have NaN or infinity, first in row 1100"):
        metric(bad, good)
    with pytest.raises(NadaError, match="need at least .* there are 1|do not|equal latents"):
        metric(good[:1], good[:1])
    with pytest.raises(NadaError, match="must have 2 axes"):
        metric(good, good[0])


@pytest.mark.parametrize("metric", ONE_SET, ids=lambda metric: metric.__name__)
def test_one_set_that_makes_no_sense_is_refused(metric: Callable[..., object]) -> None:
    bad = features()
    bad[7] = -np.inf
    with pytest.raises(NadaError, match="have NaN or infinity, first in row 7"):
        metric(bad)
    with pytest.raises(NadaError, match="need at least 2 rows here; there are 1"):
        metric(bad[:1])
    with pytest.raises(NadaError, match="have no columns"):
        metric(np.zeros((5, 0)))
    with pytest.raises(NadaError, match="real numbers, not complex128"):
        metric(np.ones((5, 2)) * 1j)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_tensors_of_any_kind_are_summed_in_float64(dtype: torch.dtype) -> None:
    """Features of mean 1000 in 16 bit: a sum in their own type would be off by whole numbers, or infinite."""
    tensor = (torch.from_numpy(features(600)) + 1000).to(dtype)
    double = tensor.double().numpy()
    assert metrics.frechet_distance(tensor, double + 1) == pytest.approx(3, rel=1e-6)
    assert metrics.clip_t(tensor.requires_grad_(), tensor[0]) == pytest.approx(1, abs=1e-4)


def test_half_precision_lists_and_whole_numbers_are_taken() -> None:
    whole = np.random.default_rng(0).integers(0, 9, size=(40, 3))
    truth = metrics.frechet_distance(whole.astype(np.float64), whole[::2].astype(np.float64))
    for kind in (whole, whole.astype(np.uint8), whole.astype(np.float16), whole.tolist(), torch.from_numpy(whole)):
        other = kind[::2]
        assert metrics.frechet_distance(kind, other) == pytest.approx(truth, rel=1e-9)


def test_the_order_of_samples_changes_nothing() -> None:
    a, b = features(300, 8), features(250, 8) + np.float32(0.3)
    shuffled = np.random.default_rng(1).permutation(a)
    for metric in (metrics.frechet_distance, metrics.sliced_distance, metrics.clip_mmd, metrics.clip_i):
        assert metric(shuffled, b) == pytest.approx(metric(a, b), rel=1e-9)
    assert metrics.precision_recall(shuffled, b) == metrics.precision_recall(a, b)


def test_inputs_are_left_as_they_are() -> None:
    a, b = features(1000, 4).astype(np.float64), features(1000, 5)[:, :4].astype(np.float64)
    before = a.copy(), b.copy()
    for metric in TWO_SETS:
        metric(a, b)
    for metric in ONE_SET:
        metric(a)
    np.testing.assert_array_equal(a, before[0])
    np.testing.assert_array_equal(b, before[1])


def test_importing_the_metrics_loads_no_torch() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(metrics.__file__).parents[2])!r})\n"
        "import nada.metrics\nassert 'numpy' not in sys.modules\n"
        "print(nada.metrics.frechet_distance([[0.0], [2.0]], [[1.0], [3.0]]), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["1.0", "False"], done.stderr


def test_every_public_name_resolves() -> None:
    for name in metrics.__all__:
        assert getattr(metrics, name).__doc__, name
    assert set(metrics.__all__) <= set(dir(metrics))
    with pytest.raises(AttributeError, match="no attribute 'fid'"):
        getattr(metrics, "fid")  # noqa: B009
