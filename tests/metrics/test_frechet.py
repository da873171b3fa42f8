"""The Fréchet distance against closed forms, and its two ways of computing against each other."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import frechet_distance, frechet_estimate, frechet_infinity, frechet_intervals, frechet_of_moments, moments
from nada.metrics.frechet import Moments


def by_eigenvalues(a: np.ndarray, b: np.ndarray, ddof: int = 1) -> float:
    """The formula as it stands in the papers; its square roots drift where covariances have no full rank."""
    first, second = np.cov(a.T, ddof=ddof), np.cov(b.T, ddof=ddof)
    shift = a.mean(axis=0) - b.mean(axis=0)
    roots = np.sqrt(np.linalg.eigvals(first @ second).astype(complex)).real.sum()
    return float(shift @ shift + np.trace(first) + np.trace(second) - 2 * roots)


@pytest.mark.parametrize("ddof", [0, 1])
def test_one_dimension_is_the_closed_form(ddof: int) -> None:
    """Fails where the covariance is divided by another count, or the trace term has a wrong factor."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 2, (40, 1)), rng.normal(3, 5, (30, 1))
    truth = (a.mean() - b.mean()) ** 2 + (a.std(ddof=ddof) - b.std(ddof=ddof)) ** 2
    assert frechet_distance(a, b, ddof) == pytest.approx(truth, rel=1e-12)


def test_two_gaussians_given_by_their_moments() -> None:
    """Commuting covariances: |μ - ν|² + Σ (√λ - √κ)². Fails where a root is taken element by element."""
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    first, second = rng.uniform(0.1, 4, 6), rng.uniform(0.1, 4, 6)
    mean = rng.normal(size=6)
    a = Moments(mean, axes @ np.diag(first) @ axes.T, 100)
    b = Moments(mean + 0.5, axes @ np.diag(second) @ axes.T, 100)
    truth = 6 * 0.25 + np.square(np.sqrt(first) - np.sqrt(second)).sum()
    assert frechet_of_moments(a, b) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("n, m", [(80, 70), (12, 70), (70, 12), (12, 9), (21, 20), (20, 21)])
@pytest.mark.parametrize("ddof", [0, 1])
def test_few_samples_and_many_agree_with_the_formula(n: int, m: int, ddof: int) -> None:
    """D is 20: fails where the form for few samples mixes up the sets, or is chosen where it does not hold."""
    rng = np.random.default_rng(n + m)
    a, b = rng.normal(size=(n, 20)) @ rng.normal(size=(20, 20)), rng.normal(size=(m, 20)) + 0.3
    assert frechet_distance(a, b, ddof) == pytest.approx(by_eigenvalues(a, b, ddof), rel=1e-6)
    assert frechet_distance(b, a, ddof) == pytest.approx(frechet_distance(a, b, ddof), rel=1e-12)


@pytest.mark.parametrize("n", [200, 10])
def test_equal_sets_have_distance_zero(n: int) -> None:
    """Fails where rounding is left, or comes out negative; the naive root leaves 1e-6 of the trace at few samples."""
    a = np.random.default_rng(0).normal(size=(n, 30)).astype(np.float32)
    assert 0 <= frechet_distance(a, a[::-1]) < 1e-10
    assert frechet_distance(np.ones((5, 3)), np.ones((4, 3))) == 0


def test_features_that_keep_to_a_part_of_their_dimensions() -> None:
    """60 of 300, some of them hardly used: fails where the roots of eigenvalues that are 0 but for rounding add up."""
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(60, 300)) * np.exp(-np.linspace(0, 8, 60))[:, None]
    a, b = rng.normal(size=(1000, 60)) @ axes, rng.normal(size=(1000, 60)) @ axes + 0.001
    means = a.mean(axis=0), b.mean(axis=0)
    roots = [np.linalg.qr((rows - mean) / np.sqrt(999), mode="r") for rows, mean in zip((a, b), means)]
    overlap = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    truth = np.square(means[0] - means[1]).sum() + sum(np.square(root).sum() for root in roots) - 2 * overlap
    assert frechet_distance(a, b) == pytest.approx(truth, rel=1e-5)
    assert frechet_estimate(a, b).value == pytest.approx(truth, rel=1e-5)


@pytest.mark.parametrize("n, m", [(60, 50), (8, 50), (50, 8), (8, 7)])
@pytest.mark.parametrize("ddof", [0, 1])
def test_the_estimate_is_the_distance_and_goes_through_the_samples_once(
    n: int, m: int, ddof: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails where counts or ddof of one set are taken for the other's, or covariances are made a second time."""
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(n, 10)) * 1.3 + 0.4, rng.normal(size=(m, 10))
    truth, gathered = frechet_distance(a, b, ddof), []
    monkeypatch.setattr(frechet_intervals, "moments", lambda rows: gathered.append(len(rows)) or moments(rows))
    assert frechet_estimate(a, b, ddof).value == pytest.approx(truth, rel=1e-10)
    assert gathered == [count for count in (n, m) if count > 10]


def test_moments_are_gathered_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a block's own mean or the last, shorter block is mistaken."""
    a = np.random.default_rng(0).normal(5, 1, size=(103, 4)).astype(np.float32)
    monkeypatch.setattr("nada.metrics.arrays.BLOCK_BYTES", 8 * 4 * 10)
    found = moments(a, ddof=0)
    np.testing.assert_allclose(found.mean, a.mean(axis=0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(found.covariance, np.cov(a.T.astype(np.float64), ddof=0), rtol=1e-10)


@pytest.mark.parametrize("n, m", [(60, 50), (8, 50), (50, 8), (8, 7)])
def test_the_interval_is_the_derivative_after_each_weight(n: int, m: int) -> None:
    """D is 10: leaving one sample out of very many copies of each changes the distance as the formula says."""
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(n, 10)) * 1.3 + 0.4, rng.normal(size=(m, 10))
    copies = 2000
    whole = _weighted_distance(a, b, np.full(n, 1.0), np.full(m, 1.0))
    changes = []
    for count in (n, m):
        moved = []
        for index in range(count):
            weights = np.full(count, 1.0)
            weights[index] += 1 / copies
            pair = (weights, np.full(m, 1.0)) if count == n else (np.full(n, 1.0), weights)
            moved.append((_weighted_distance(a, b, *pair) - whole) * copies * count)
        changes.append(np.var(moved, ddof=1) / count)
    error = np.sqrt(sum(changes))
    found = frechet_estimate(a, b)
    tolerance = 0.2 if min(n, m) < 10 else 0.05  # N against N - 1
    assert (found.high - found.value) / 1.959964 == pytest.approx(error, rel=tolerance)


def _weighted_distance(a: np.ndarray, b: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
    parts = []
    for rows, weights in ((a, p), (b, q)):
        weights = weights / weights.sum()
        mean = weights @ rows
        parts.append((mean, (rows - mean).T @ ((rows - mean) * weights[:, None])))
    (mean_a, first), (mean_b, second) = parts
    roots = np.sqrt(np.maximum(np.linalg.eigvals(first @ second).real, 0)).sum()
    return float((mean_a - mean_b) @ (mean_a - mean_b) + np.trace(first + second) - 2 * roots)


def test_the_extrapolation_is_right_where_the_distance_is_not() -> None:
    """Truth 1.04: the plain distance is above it in nearly every draw, the extrapolated interval holds it mostly."""
    rng = np.random.default_rng(3)
    hits, above = 0, 0
    for seed in range(40):
        a, b = rng.normal(size=(150, 8)), rng.normal(size=(150, 8)) * 1.2 + 0.3
        found = frechet_infinity(a, b, draws=2, seed=seed)
        hits += found.low <= 1.04 <= found.high
        above += frechet_distance(a, b) > 1.04
    assert 35 <= hits
    assert above >= 30


def test_the_extrapolation_refuses_what_is_no_line() -> None:
    with pytest.raises(NadaError, match="needs 64 of them .* 16 columns, there are 60"):
        frechet_infinity(np.random.default_rng(0).normal(size=(60, 16)), np.zeros((900, 16)))


def test_subsets_are_read_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a subset is copied: of 50,000 features of 2048 columns those of both sets would be 0.8 GB."""
    monkeypatch.setattr("nada.metrics.arrays.BLOCK_BYTES", 2**16)
    a, b = np.random.default_rng(0).standard_normal((2, 20_000, 32), dtype=np.float32)
    tracemalloc.start()
    frechet_infinity(a, b, draws=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < a.nbytes / 2


def test_moments_that_are_no_numbers_or_of_another_width_are_refused() -> None:
    """As of a file of statistics that was written by a broken run; the linear algebra would end without a sentence."""
    good, broken = Moments(np.zeros(3), np.eye(3), 9), Moments(np.zeros(3), np.full((3, 3), np.nan), 9)
    for pair, name in (((broken, good), "first"), ((good, broken), "second")):
        with pytest.raises(NadaError, match=f"The {name} moments have NaN or infinity"):
            frechet_of_moments(*pair)
    with pytest.raises(NadaError, match="of 3 and of 2 dimensions"):
        frechet_of_moments(good, Moments(np.zeros(2), np.eye(2), 9))


def test_ddof_is_one_of_two() -> None:
    for n in (4, 40):
        with pytest.raises(NadaError, match="ddof is 2"):
            frechet_distance(np.eye(n, 5), np.eye(n, 5), ddof=2)
