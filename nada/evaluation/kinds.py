"""The numbers there are: what each is called, which way is better, and what it is."""

from __future__ import annotations

from typing import Any, NamedTuple

from nada.evaluation.scores import LARGER, NEITHER, SMALLER, Score
from nada.features import Extractor, GuideFeatures, InceptionFeatures
from nada.metrics import Estimate
from nada.metrics.content import NEIGHBOURS
from nada.metrics.frechet_intervals import POINTS
from nada.metrics.kernel import CMMD_SCALE, CMMD_SIGMA
from nada.metrics.manifold import DENSITY_K, PRECISION_K
from nada.metrics.perceptual import CLUSTERS
from nada.metrics.sliced import DIRECTIONS, SCALE

SPLITS = 10  # of the inception score, as published


class Kind(NamedTuple):
    """A number: its title in tables, which way is better, what it is, and what it is called on Inception's features."""

    title: str
    better: str
    of: str
    famous: str = ""


KINDS = {
    "fd": Kind("fd_{}", SMALLER, "Fréchet distance, covariance divided by N - 1 (Heusel et al. 2017)", "FID"),
    "fd_infinity": Kind(
        "fd_{}∞", SMALLER, "the same, extrapolated to infinitely many pictures (Chong & Forsyth 2020)", "FID∞"
    ),
    "kd": Kind("kd_{}", SMALLER, "unbiased kernel distance, cubic kernel (Bińkowski et al. 2018); not times 1000", "KID"),
    "precision": Kind(
        "precision",
        LARGER,
        "share of the pictures that lie among the reference, k = 3, equal counts (Kynkäänniemi et al. 2019)",
    ),
    "recall": Kind(
        "recall",
        LARGER,
        "share of the reference that lies among the pictures, k = 3, equal counts (Kynkäänniemi et al. 2019)",
    ),
    "density": Kind(
        "density", LARGER, "how densely the reference surrounds the pictures, k = 5, equal counts (Naeem et al. 2020)"
    ),
    "coverage": Kind(
        "coverage", LARGER, "share of the reference that has a picture beside it, k = 5, equal counts (Naeem et al. 2020)"
    ),
    "cmmd": Kind("cmmd_{}", SMALLER, "CMMD, published form, which is biased (Jayasumana et al. 2024)"),
    "cmmd_unbiased": Kind(
        "cmmd, unbiased", SMALLER, "the same without pairs of a picture with itself: 0 on average for equal sets"
    ),
    "sliced": Kind("sliced_{}", SMALLER, "sliced squared Wasserstein-2 distance, times 3 D, biased (MIND, 2026)"),
    "is": Kind("is_{}", LARGER, "inception score, 10 splits (Salimans et al. 2016)", "IS"),
    "clip_i": Kind("CLIP-I", LARGER, "mean cosine of all pairs of a picture and one of the reference (Ruiz et al. 2023)"),
    "clip_t": Kind("CLIP-T", LARGER, "mean cosine of picture and bare prompt (Ruiz et al. 2023)"),
    "quality": Kind("quality", LARGER, "mean cosine of picture and prompt in each template (HyperDomainNet, 2022)"),
    "diversity": Kind("diversity", LARGER, "mean of 1 - cosine over pairs of pictures (HyperDomainNet, 2022)"),
    "directional": Kind(
        "direction", LARGER, "mean cosine of what changed in pictures and in bare prompts (Gal et al. 2022)"
    ),
    "content": Kind("content kept", LARGER, "mean cosine of each picture with that of the same latent before"),
    "neighbours": Kind("neighbours kept", LARGER, "share of each picture's 10 nearest neighbours that stay its neighbours"),
    "diversity_kept": Kind("diversity kept", NEITHER, "spread of the pictures over that of the same latents before"),
    "duplicates": Kind("near duplicates", SMALLER, "share of pictures with a near duplicate; 0.05 is as before"),
    "pairwise": Kind("LPIPS of pairs", LARGER, "mean LPIPS of two pictures (Zhang et al. 2018)"),
    "intra_cluster": Kind("intra-cluster LPIPS", LARGER, "mean LPIPS within 10 clusters, k-medoids (Ojha et al. 2021)"),
    "change": Kind("LPIPS to before", NEITHER, "mean LPIPS of each picture and that of the same latent before"),
}


# What the numbers hang on and cannot be chosen; the sampling of intervals is in each number's method.
CONSTANTS: dict[str, dict[str, Any]] = {
    "fd": {"ddof": 1},
    "fd_infinity": {"ddof": 1, "points": POINTS},
    "kd": {"degree": 3, "coefficient": 1},
    "precision": {"k": PRECISION_K},
    "recall": {"k": PRECISION_K},
    "density": {"k": DENSITY_K},
    "coverage": {"k": DENSITY_K},
    "cmmd": {"sigma": CMMD_SIGMA, "scale": CMMD_SCALE},
    "cmmd_unbiased": {"sigma": CMMD_SIGMA, "scale": CMMD_SCALE},
    "sliced": {"directions": DIRECTIONS, "scale": SCALE},
    "is": {"splits": SPLITS},
    "neighbours": {"k": NEIGHBOURS},
    "intra_cluster": {"clusters": CLUSTERS},
}
USUAL = "legacy"  # the convention of Inception's resize that names say nothing of


def score(kind: str, eye: Extractor, estimate: Estimate, **details: Any) -> Score:
    """A number on an extractor's features; only on Inception's published ones does it have its famous name.

    Numbers of another resize than Inception's usual one are called by it, as they are other numbers.
    """
    title, better, of, famous = KINDS[kind]
    resize = resize_of(eye)
    if famous and eye.distance_name == "FID":
        key, title = famous.lower().replace("∞", "_infinity"), famous
    else:
        suffix = kind.removeprefix("fd")
        key = f"fd_{eye.tag}{suffix}" if kind.startswith("fd") else f"{kind}_{eye.tag}"
        title = title.format(eye.tag)
    if isinstance(eye, InceptionFeatures) and resize != USUAL:
        key, title = f"{key}_{resize.replace('-', '_')}", f"{title}, {resize}"
    return Score(key, title, estimate, eye.name, better, of, resize, CONSTANTS.get(kind, {}) | details)


def resize_of(eye: Extractor) -> str:
    """How an extractor brings pictures to its side, as `describe` says, which for a guide would hash its weights."""
    if isinstance(eye, GuideFeatures):
        return "squash" if eye.encoder.squash else "centre crop"
    return str(eye.describe().get("resize", ""))
