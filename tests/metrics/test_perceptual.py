"""Mean distances over pairs and within clusters, and k-medoids against trying everything."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from nada.errors import NadaError
from nada.metrics import intra_cluster_distance, intra_cluster_estimate, k_medoids, pairwise_distance, pairwise_estimate


def matrix_of(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def three_groups(sizes: tuple[int, int, int] = (8, 12, 5)) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(size=(size, 2)) + 40 * index for index, size in enumerate(sizes)])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("k", [1, 2, 3])
def test_medoids_cannot_be_bettered_by_a_swap_and_are_nearly_the_best(seed: int, k: int) -> None:
    """Fails where the change of a swap is reckoned wrongly: the loop then stops early or runs on."""
    distances = matrix_of(np.random.default_rng(seed).normal(size=(14, 2)))

    def cost(medoids: tuple[int, ...]) -> float:
        return float(distances[:, list(medoids)].min(axis=1).sum())

    found = tuple(k_medoids(distances, k).medoids.tolist())
    for position in range(k):
        for other in set(range(14)) - set(found):
            assert cost(found[:position] + (other,) + found[position + 1 :]) >= cost(found) - 1e-9
    assert cost(found) <= 1.1 * min(cost(medoids) for medoids in combinations(range(14), k))


def test_groups_far_apart_are_the_clusters() -> None:
    clusters = k_medoids(matrix_of(three_groups()), 3)
    assert sorted(np.bincount(clusters.labels)) == [5, 8, 12]
    assert len(set(clusters.labels[:8])) == len(set(clusters.labels[8:20])) == 1
    assert (clusters.labels[clusters.medoids] == np.arange(3)).all()
    alike = k_medoids(np.zeros((4, 4)), 2)
    assert len(set(alike.medoids)) == 2 and (alike.labels == 0).all()


def test_pairwise_distance_of_a_matrix_and_of_a_function() -> None:
    """Fails where a pair counts twice or a picture with itself."""
    distances = matrix_of(three_groups())
    truth = np.mean([distances[i, j] for i, j in combinations(range(25), 2)])
    assert pairwise_distance(distances) == pytest.approx(truth, rel=1e-12)
    assert pairwise_distance(lambda i, j: distances[i, j], n=25) == pytest.approx(truth, rel=1e-12)
    assert pairwise_distance(distances, pairs=300) == pytest.approx(truth, rel=1e-12)  # all of them


def test_random_pairs_are_different_pairs_of_different_pictures() -> None:
    seen: list[tuple[int, int]] = []

    def note(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        seen.extend(zip(first.tolist(), second.tolist()))
        return np.ones(len(first))

    pairwise_distance(note, n=9, pairs=35)
    assert len(set(seen)) == 35 and all(0 <= i < j < 9 for i, j in seen)
    assert pairwise_estimate(np.ones((50, 50)), pairs=40, seed=1).value == 1


def test_the_distance_within_clusters_is_the_mean_over_clusters() -> None:
    """A small cluster counts as much as a large one, as published; and one of a single picture not at all."""
    points = np.concatenate([three_groups(), [[900.0, 0]]])
    distances = matrix_of(points)
    groups = [range(8), range(8, 20), range(20, 25)]
    means = [np.mean([distances[i, j] for i, j in combinations(group, 2)]) for group in groups]
    found = intra_cluster_estimate(distances, k=4)
    assert found.estimate.value == pytest.approx(np.mean(means), rel=1e-12)
    assert found.estimate.std == pytest.approx(np.std(means, ddof=1), rel=1e-9)
    assert sorted(found.sizes) == [1, 5, 8, 12] and found.means.count(None) == 1
    assert found.estimate.low < found.estimate.value < found.estimate.high
    labels = [0] * 8 + [1] * 12 + [2] * 5 + [7]
    given = intra_cluster_distance(lambda i, j: distances[i, j], n=26, labels=labels)
    assert given == pytest.approx(np.mean(means), rel=1e-12)
    assert intra_cluster_distance(distances, labels=labels, members=3, seed=0) != pytest.approx(given)


def test_ten_pictures_copied_have_no_distance_within_clusters() -> None:
    points = np.random.default_rng(1).normal(size=(10, 3)).repeat(6, axis=0)
    assert intra_cluster_distance(matrix_of(points)) == 0
    assert pairwise_distance(matrix_of(points)) > 1


def test_only_the_pairs_within_are_asked_for_where_clusters_are_given() -> None:
    """What makes it cheap: 2 clusters of 40, of which 5 members each are compared, are 20 distances and not 3,160."""
    asked = []
    intra_cluster_distance(lambda i, j: asked.append(len(i)) or np.ones(len(i)), n=80, labels=np.arange(80) % 2, members=5)
    assert asked == [10, 10]


@pytest.mark.parametrize("pairs", [None, 150])
def test_the_interval_of_a_mean_over_pairs_holds_the_truth(pairs: int | None) -> None:
    """The mean distance of two standard normals on a line is 2 / √π; fails where pairs are taken as independent."""
    rng = np.random.default_rng(2)
    hits, widths, values = 0, [], []
    for seed in range(100):
        points = rng.normal(size=(30, 1))
        found = pairwise_estimate(matrix_of(points), pairs=pairs, rounds=300, seed=seed)
        hits += found.low <= 2 / np.sqrt(np.pi) <= found.high
        widths.append(found.high - found.low)
        values.append(found.value)
    assert hits >= 86
    assert 0.8 < np.mean(widths) / 3.92 / np.std(values) < 1.4


def test_distances_that_cannot_be_are_refused() -> None:
    with pytest.raises(NadaError, match="square matrix, but its shape is .3, 4."):
        pairwise_distance(np.zeros((3, 4)))
    with pytest.raises(NadaError, match="pictures 0 and 1 is negative"):
        pairwise_distance(-np.ones((3, 3)))
    with pytest.raises(NadaError, match="gave 2 distances for 3 pairs"):
        pairwise_distance(lambda i, j: np.ones(2), n=3)
    with pytest.raises(NadaError, match="say with n how many"):
        pairwise_distance(lambda i, j: np.ones(2))
    with pytest.raises(NadaError, match="4 pairs of 3 pictures cannot be drawn; there are 3"):
        pairwise_distance(np.ones((3, 3)), pairs=4)
    with pytest.raises(NadaError, match="None of the 3 clusters has two pictures"):
        intra_cluster_distance(np.ones((3, 3)), k=3, labels=[0, 1, 2])
    with pytest.raises(NadaError, match="3 samples cannot form 10 clusters"):
        intra_cluster_distance(np.ones((3, 3)))
    with pytest.raises(NadaError, match="2 cluster numbers for 3 pictures"):
        intra_cluster_distance(np.ones((3, 3)), labels=[0, 1])
