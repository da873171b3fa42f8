"""How good are generated pictures: arrays of features in, numbers out, with their uncertainty.

Nothing here reads a file, draws from a global random state or knows where features come from. All sums are
float64, whatever the inputs are (NumPy arrays or torch tensors), and all random choices are seeded. Names are
resolved when they are first used.

`x_distance`, `x_score` and the like return the number alone; `x_estimate` returns the same number with its interval
(`Estimate`). Which way is better, the range, what a biased number means and the paper stand with each function.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nada.metrics.collapse import CollapseReport as CollapseReport
    from nada.metrics.collapse import compactness as compactness
    from nada.metrics.collapse import detect_collapse as detect_collapse
    from nada.metrics.collapse import duplicate_share as duplicate_share
    from nada.metrics.collapse import effective_dimension as effective_dimension
    from nada.metrics.collapse import retained_diversity as retained_diversity
    from nada.metrics.collapse import retained_diversity_estimate as retained_diversity_estimate
    from nada.metrics.content import neighbour_overlap as neighbour_overlap
    from nada.metrics.content import neighbour_overlap_estimate as neighbour_overlap_estimate
    from nada.metrics.estimates import Estimate as Estimate
    from nada.metrics.estimates import mean_estimate as mean_estimate
    from nada.metrics.frechet import Moments as Moments
    from nada.metrics.frechet import frechet_distance as frechet_distance
    from nada.metrics.frechet import frechet_of_moments as frechet_of_moments
    from nada.metrics.frechet import moments as moments
    from nada.metrics.frechet_intervals import frechet_estimate as frechet_estimate
    from nada.metrics.frechet_intervals import frechet_infinity as frechet_infinity
    from nada.metrics.inception import inception_estimate as inception_estimate
    from nada.metrics.inception import inception_score as inception_score
    from nada.metrics.kernel import clip_mmd as clip_mmd
    from nada.metrics.kernel import clip_mmd_estimate as clip_mmd_estimate
    from nada.metrics.kernel import kernel_distance as kernel_distance
    from nada.metrics.kernel import kernel_estimate as kernel_estimate
    from nada.metrics.manifold import DensityCoverage as DensityCoverage
    from nada.metrics.manifold import PrecisionRecall as PrecisionRecall
    from nada.metrics.manifold import density_coverage as density_coverage
    from nada.metrics.manifold import density_coverage_estimate as density_coverage_estimate
    from nada.metrics.manifold import precision_recall as precision_recall
    from nada.metrics.manifold import precision_recall_estimate as precision_recall_estimate
    from nada.metrics.medoids import Clusters as Clusters
    from nada.metrics.medoids import k_medoids as k_medoids
    from nada.metrics.perceptual import ClusterEstimate as ClusterEstimate
    from nada.metrics.perceptual import intra_cluster_distance as intra_cluster_distance
    from nada.metrics.perceptual import intra_cluster_estimate as intra_cluster_estimate
    from nada.metrics.perceptual import pairwise_distance as pairwise_distance
    from nada.metrics.perceptual import pairwise_estimate as pairwise_estimate
    from nada.metrics.similarity import clip_i as clip_i
    from nada.metrics.similarity import clip_i_estimate as clip_i_estimate
    from nada.metrics.similarity import clip_i_paired as clip_i_paired
    from nada.metrics.similarity import clip_i_paired_estimate as clip_i_paired_estimate
    from nada.metrics.similarity import clip_t as clip_t
    from nada.metrics.similarity import clip_t_estimate as clip_t_estimate
    from nada.metrics.similarity import directional_similarity as directional_similarity
    from nada.metrics.similarity import directional_similarity_estimate as directional_similarity_estimate
    from nada.metrics.similarity import prompt_diversity as prompt_diversity
    from nada.metrics.similarity import prompt_diversity_estimate as prompt_diversity_estimate
    from nada.metrics.similarity import prompt_quality as prompt_quality
    from nada.metrics.similarity import prompt_quality_estimate as prompt_quality_estimate
    from nada.metrics.sliced import sliced_distance as sliced_distance
    from nada.metrics.sliced import sliced_estimate as sliced_estimate

_HOMES = {
    "CollapseReport": "collapse",
    "compactness": "collapse",
    "detect_collapse": "collapse",
    "duplicate_share": "collapse",
    "effective_dimension": "collapse",
    "retained_diversity": "collapse",
    "retained_diversity_estimate": "collapse",
    "neighbour_overlap": "content",
    "neighbour_overlap_estimate": "content",
    "Estimate": "estimates",
    "mean_estimate": "estimates",
    "Moments": "frechet",
    "frechet_distance": "frechet",
    "frechet_of_moments": "frechet",
    "moments": "frechet",
    "frechet_estimate": "frechet_intervals",
    "frechet_infinity": "frechet_intervals",
    "inception_estimate": "inception",
    "inception_score": "inception",
    "clip_mmd": "kernel",
    "clip_mmd_estimate": "kernel",
    "kernel_distance": "kernel",
    "kernel_estimate": "kernel",
    "DensityCoverage": "manifold",
    "PrecisionRecall": "manifold",
    "density_coverage": "manifold",
    "density_coverage_estimate": "manifold",
    "precision_recall": "manifold",
    "precision_recall_estimate": "manifold",
    "Clusters": "medoids",
    "k_medoids": "medoids",
    "ClusterEstimate": "perceptual",
    "intra_cluster_distance": "perceptual",
    "intra_cluster_estimate": "perceptual",
    "pairwise_distance": "perceptual",
    "pairwise_estimate": "perceptual",
    "clip_i": "similarity",
    "clip_i_estimate": "similarity",
    "clip_i_paired": "similarity",
    "clip_i_paired_estimate": "similarity",
    "clip_t": "similarity",
    "clip_t_estimate": "similarity",
    "directional_similarity": "similarity",
    "directional_similarity_estimate": "similarity",
    "prompt_diversity": "similarity",
    "prompt_diversity_estimate": "similarity",
    "prompt_quality": "similarity",
    "prompt_quality_estimate": "similarity",
    "sliced_distance": "sliced",
    "sliced_estimate": "sliced",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"nada.metrics.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'nada.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
