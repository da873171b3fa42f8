"""The metrics that can be asked for, what each needs, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nada import metrics
from nada.evaluation.kinds import SPLITS, score
from nada.evaluation.scores import Score
from nada.evaluation.sight import Sight
from nada.features import Extractor, GuideFeatures, InceptionFeatures
from nada.metrics.content import NEIGHBOURS
from nada.metrics.manifold import DENSITY_K

SUBSETS, SUBSET_SIZE = 100, 1000  # of the kernel distance, where one of the sets is larger than
WHOLE = 5000  # pictures; up to these all pairs are more exact and quicker


@dataclass(frozen=True)
class Metric:
    """How a metric is had.

    Attributes:
        needs: a key of `nada.evaluation.sight.NEEDS`.
        compute: from what was seen and an extractor to its scores.
        judged: whether the judge alone computes it, and not each extractor that was asked for.
        usual: whether it is computed without having been asked for by name.
        fits: which extractors it can be had of.
        otherwise: what to do where none fits.
        least: how few pictures it can be had of; of the reference, too, where it needs one.
    """

    needs: str
    compute: Callable[[Sight, Extractor], list[Score]]
    judged: bool = False
    usual: bool = True
    fits: Callable[[Extractor], bool] = lambda eye: True
    otherwise: str = ""
    least: Callable[[Extractor], int] = lambda eye: 2


def _frechet(sight: Sight, eye: Extractor) -> list[Score]:
    return [score("fd", eye, metrics.frechet_estimate(*sight.and_reference(eye)))]


def _infinity(sight: Sight, eye: Extractor) -> list[Score]:
    return [score("fd_infinity", eye, metrics.frechet_infinity(*sight.and_reference(eye), seed=sight.seed))]


def _kernel(sight: Sight, eye: Extractor) -> list[Score]:
    a, b = sight.and_reference(eye)
    size = None if max(len(a), len(b)) <= WHOLE else min(len(a), len(b), SUBSET_SIZE)
    return [score("kd", eye, metrics.kernel_estimate(a, b, SUBSETS, size, seed=sight.seed))]


def _precision(sight: Sight, eye: Extractor) -> list[Score]:
    found = sight.manifold(eye)
    return [score("precision", eye, found.precision), score("recall", eye, found.recall)]


def _density(sight: Sight, eye: Extractor) -> list[Score]:
    found = sight.manifold(eye)
    return [score("density", eye, found.density), score("coverage", eye, found.coverage)]


def _cmmd(sight: Sight, eye: Extractor) -> list[Score]:
    found = metrics.clip_mmd_estimates(*sight.and_reference(eye))
    return [score("cmmd", eye, found.published), score("cmmd_unbiased", eye, found.unbiased)]


def _sliced(sight: Sight, eye: Extractor) -> list[Score]:
    return [score("sliced", eye, metrics.sliced_estimate(*sight.and_reference(eye), seed=sight.seed))]


def _inception_score(sight: Sight, eye: Extractor) -> list[Score]:
    assert isinstance(eye, InceptionFeatures)
    return [score("is", eye, metrics.inception_estimate(eye.logits_of(sight.of(eye)), SPLITS, seed=sight.seed))]


def _clip_i(sight: Sight, eye: Extractor) -> list[Score]:
    return [score("clip_i", eye, metrics.clip_i_estimate(*sight.and_reference(eye), seed=sight.seed))]


def _clip_t(sight: Sight, eye: Extractor) -> list[Score]:
    assert sight.words is not None
    return [score("clip_t", eye, metrics.clip_t_estimate(sight.of(eye), sight.words.target, seed=sight.seed))]


def _quality(sight: Sight, eye: Extractor) -> list[Score]:
    assert sight.words is not None
    return [score("quality", eye, metrics.prompt_quality_estimate(sight.of(eye), sight.words.templates, seed=sight.seed))]


def _diversity(sight: Sight, eye: Extractor) -> list[Score]:
    return [score("diversity", eye, metrics.prompt_diversity_estimate(sight.of(eye), seed=sight.seed))]


def _directional(sight: Sight, eye: Extractor) -> list[Score]:
    assert sight.words is not None
    pair, words = sight.before_and_after(eye), sight.words
    found = metrics.directional_similarity_estimate(*pair, words.source, words.target, seed=sight.seed)
    return [score("directional", eye, found)]


def _content(sight: Sight, eye: Extractor) -> list[Score]:
    before, after = sight.before_and_after(eye)
    return [score("content", eye, metrics.clip_i_paired_estimate(after, before, seed=sight.seed))]


def _neighbours(sight: Sight, eye: Extractor) -> list[Score]:
    return [score("neighbours", eye, metrics.neighbour_overlap_estimate(*sight.before_and_after(eye), seed=sight.seed))]


def _kept(sight: Sight, eye: Extractor) -> list[Score]:
    found = metrics.detect_collapse(*sight.before_and_after(eye), seed=sight.seed)
    return [score("diversity_kept", eye, found.diversity), score("duplicates", eye, found.duplicates)]


def _pairwise(sight: Sight, eye: Extractor) -> list[Score]:
    assert sight.perceived is not None
    found = metrics.pairwise_estimate(sight.perceived.matrix, seed=sight.seed)
    return [score("pairwise", sight.perceived.eye, found)]


def _intra_cluster(sight: Sight, eye: Extractor) -> list[Score]:
    assert sight.perceived is not None
    found = metrics.intra_cluster_estimate(sight.perceived.matrix, seed=sight.seed)
    return [score("intra_cluster", sight.perceived.eye, found.estimate, sizes=list(found.sizes), means=list(found.means))]


def _change(sight: Sight, eye: Extractor) -> list[Score]:
    assert sight.perceived is not None
    return [score("change", sight.perceived.eye, metrics.mean_estimate(sight.perceived.change, seed=sight.seed))]


def _is_fid(eye: Extractor) -> bool:
    return eye.distance_name == "FID"


def _has_classes(eye: Extractor) -> bool:
    return isinstance(eye, InceptionFeatures)


def _is_guide(eye: Extractor) -> bool:
    return isinstance(eye, GuideFeatures)


def _four_of_each_feature(eye: Extractor) -> int:
    return 4 * eye.width


def _two_in_each_split(eye: Extractor) -> int:
    return 2 * SPLITS


def _neighbours_in_halves(eye: Extractor) -> int:
    return 2 * DENSITY_K + 2


def _kept_neighbours_in_halves(eye: Extractor) -> int:
    return 2 * NEIGHBOURS + 2


_NO_INCEPTION = "add --features inception"
_NOT_PUBLISHED = "it is of the published network, --features inception; of any other features ask for frechet or kernel"

METRICS = {
    "fid": Metric("reference", _frechet, usual=False, fits=_is_fid, otherwise=_NOT_PUBLISHED),
    "kid": Metric("reference", _kernel, usual=False, fits=_is_fid, otherwise=_NOT_PUBLISHED),
    "is": Metric("", _inception_score, usual=False, fits=_has_classes, otherwise=_NO_INCEPTION, least=_two_in_each_split),
    "frechet": Metric("reference", _frechet),
    "kernel": Metric("reference", _kernel),
    "infinity": Metric("reference", _infinity, usual=False, least=_four_of_each_feature),
    "precision": Metric("reference", _precision, least=_neighbours_in_halves),
    "density": Metric("reference", _density, least=_neighbours_in_halves),
    "cmmd": Metric("reference", _cmmd, usual=False, fits=_is_guide, otherwise="add a guide's, as --features demo-judge"),
    "sliced": Metric("reference", _sliced, usual=False),
    "clip-i": Metric("reference", _clip_i, judged=True, usual=False),
    "clip-t": Metric("words", _clip_t, judged=True),
    "quality": Metric("templates", _quality, judged=True),
    "diversity": Metric("", _diversity, judged=True),
    "directional": Metric("direction", _directional, judged=True),
    "content": Metric("before", _content, judged=True),
    "neighbours": Metric("before", _neighbours, judged=True, least=_kept_neighbours_in_halves),
    "kept": Metric("before", _kept, judged=True),
    "lpips": Metric("lpips", _pairwise, judged=True),
    "intra-lpips": Metric("lpips", _intra_cluster, judged=True),
    "lpips-change": Metric("change", _change, judged=True),
}
