"""Cosines of embeddings: how well pictures agree with a prompt, with real pictures, and with what they were made from.

All take embeddings of one encoder, in any length; they are made unit length here. Numbers of different encoders cannot
be compared, so name the encoder beside them, and judge with one that did not guide the training.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nada.errors import NadaError
from nada.metrics.arrays import UnitRows, as_array, as_pair, blocks, blocks_of_two, mean_of, unit
from nada.metrics.estimates import LEVEL, ROUNDS, Estimate, mean_estimate, percentile_estimate, resampled_counts
from nada.metrics.pairs import mean_cosine, resampled_cosines, weighted_sums

IMAGES, PROMPTS = "The image embeddings", "The prompt embeddings"


def clip_t(images: Any, prompts: Any) -> float:
    """Return CLIP-T, the mean cosine of pictures and prompt (Ruiz et al. 2023, DreamBooth, arXiv:2208.12242).

    Between -1 and 1, larger is better; with CLIP, good agreement is about 0.25 to 0.35. CLIPScore (Hessel et al. 2021)
    is 2.5 max(cosine, 0), that of torchmetrics 100 max(mean cosine, 0).

    Args:
        images: `(N, D)`.
        prompts: `(D,)` for all pictures, or one for each, `(N, D)`.
    """
    return float(_to_prompts(images, prompts).mean())


def clip_t_estimate(images: Any, prompts: Any, level: float = LEVEL, rounds: int = ROUNDS, seed: int = 0) -> Estimate:
    """Return `clip_t` with a bootstrap interval over the pictures, the prompts being given."""
    return mean_estimate(_to_prompts(images, prompts), level, rounds, seed)


def clip_i(images: Any, references: Any) -> float:
    """Return CLIP-I, the mean cosine over all pairs of a picture and a reference (DreamBooth, arXiv:2208.12242).

    Between -1 and 1, larger is closer; with DINO's embeddings it is that paper's DINO score. `images (N, D)` and
    `references (M, D)` are different sets of pictures.
    """
    first, second = _unit_pair(images, references)
    return float(mean_of(first) @ mean_of(second))


def clip_i_estimate(images: Any, references: Any, level: float = LEVEL, rounds: int = ROUNDS, seed: int = 0) -> Estimate:
    """Return `clip_i` with a bootstrap interval over the pictures of both sets."""
    first, second = _unit_pair(images, references)
    value = float(mean_of(first) @ mean_of(second))
    seeds = np.random.SeedSequence(seed).generate_state(2)
    means = [
        np.concatenate([weighted_sums(counts, rows) for counts in resampled_counts(len(rows), rounds, int(own))]) / len(rows)
        for rows, own in zip((first, second), seeds)
    ]
    drawn = np.einsum("ij,ij->i", *means)
    return percentile_estimate(value, drawn, (len(first), len(second)), level)


def clip_i_paired(images: Any, originals: Any) -> float:
    """Return the mean cosine of each picture with the one of the same row: content kept through an adaptation.

    Between -1 and 1, larger means that more of the content stays, 1 that nothing changed. `images (N, D)` are of an
    adapted generator, `originals (N, D)` of the frozen one for the same latents; CLIP's or, closer to the shape of
    things, DINO's embeddings.
    """
    return float(_to_originals(images, originals).mean())


def clip_i_paired_estimate(
    images: Any, originals: Any, level: float = LEVEL, rounds: int = ROUNDS, seed: int = 0
) -> Estimate:
    """Return `clip_i_paired` with a bootstrap interval over the pairs."""
    return mean_estimate(_to_originals(images, originals), level, rounds, seed)


def directional_similarity(frozen: Any, adapted: Any, source: Any, target: Any) -> float:
    """Return the mean cosine of what changed in the pictures and in the words (Gal et al. 2022, arXiv:2108.00946).

    cos(adapted - frozen, target - source) of unit embeddings; between -1 and 1, larger is better. A picture that did
    not change at all counts as 0. It is what StyleGAN-NADA trains for: judge with another encoder than the guide.

    Args:
        frozen, adapted: `(N, D)`, the same latents in the same rows.
        source, target: the prompts' embeddings, `(D,)`.
    """
    return float(_directions(frozen, adapted, source, target).mean())


def directional_similarity_estimate(
    frozen: Any, adapted: Any, source: Any, target: Any, level: float = LEVEL, rounds: int = ROUNDS, seed: int = 0
) -> Estimate:
    """Return `directional_similarity` with a bootstrap interval over the latents."""
    return mean_estimate(_directions(frozen, adapted, source, target), level, rounds, seed)


def prompt_quality(images: Any, templates: Any) -> float:
    """Return the mean cosine over pictures and templates of the target prompt (HyperDomainNet, arXiv:2210.08884).

    Between -1 and 1, larger is better. `images (N, D)`; `templates (T, D)` are the prompt in each of the templates
    ("a photo of a {}", …), each embedded by itself, not averaged.
    """
    return float(_to_templates(images, templates).mean())


def prompt_quality_estimate(
    images: Any, templates: Any, level: float = LEVEL, rounds: int = ROUNDS, seed: int = 0
) -> Estimate:
    """Return `prompt_quality` with a bootstrap interval over the pictures, the templates being given."""
    return mean_estimate(_to_templates(images, templates), level, rounds, seed)


def prompt_diversity(images: Any) -> float:
    """Return the mean of 1 - cosine over all pairs of two pictures `(N, D)` (HyperDomainNet, arXiv:2210.08884).

    Between 0 and 2, larger is more diverse. Noise and failures are diverse too: read it beside `prompt_quality`.
    """
    return 1 - mean_cosine(UnitRows(as_array(images, IMAGES), IMAGES))


def prompt_diversity_estimate(images: Any, level: float = LEVEL, rounds: int = ROUNDS, seed: int = 0) -> Estimate:
    """Return `prompt_diversity` with a bootstrap interval over the pictures."""
    rows = UnitRows(as_array(images, IMAGES), IMAGES)
    drawn = 1 - resampled_cosines(rows, rounds, seed)
    return percentile_estimate(1 - mean_cosine(rows), drawn, (len(rows),), level)


def _to_prompts(images: Any, prompts: Any) -> np.ndarray:
    rows = as_array(images, IMAGES)
    if (prompts.ndim if hasattr(prompts, "ndim") else np.ndim(prompts)) == 1:
        words = as_array(prompts, PROMPTS, ndim=1, least=1)[None]
    else:
        words = as_array(prompts, PROMPTS, least=1)
        if len(words) != len(rows):
            raise NadaError(f"There are {len(words)} prompts for {len(rows)} images; give one, or one for each.")
    _same_width(rows, words, PROMPTS)
    pictures, texts = UnitRows(rows, IMAGES), UnitRows(words, PROMPTS)
    if len(words) == 1:
        return _cosines_to(pictures, texts[:][0])
    return _cosines(pictures, texts)


def _to_templates(images: Any, templates: Any) -> np.ndarray:
    rows, words = as_array(images, IMAGES), as_array(templates, "The templates' embeddings", least=1)
    _same_width(rows, words, "the templates' embeddings")
    return _cosines_to(UnitRows(rows, IMAGES), unit(words, "The templates' embeddings").mean(axis=0))


def _to_originals(images: Any, originals: Any) -> np.ndarray:
    return _cosines(*same_rows(images, originals))


def _directions(frozen: Any, adapted: Any, source: Any, target: Any) -> np.ndarray:
    before, after = same_rows(frozen, adapted)
    words = [as_array(prompt, PROMPTS, ndim=1, least=1)[None] for prompt in (source, target)]
    for prompt in words:
        _same_width(before, prompt, PROMPTS)
    direction = (unit(words[1], PROMPTS) - unit(words[0], PROMPTS))[0]
    if np.linalg.norm(direction) < 1e-6:
        raise NadaError("The source and the target prompt have the same embedding; there is no direction between them.")
    direction /= np.linalg.norm(direction)
    return np.concatenate([_along(new - old, direction) for old, new in blocks_of_two(before, after)])


def _along(edits: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Cosines of edits `(n, D)` with a unit direction; 0 for an edit of nothing."""
    return edits @ direction / np.maximum(np.linalg.norm(edits, axis=1), 1e-8)


def _cosines(first: UnitRows, second: UnitRows) -> np.ndarray:
    """Of each row with the other set's row of the same number."""
    return np.concatenate([np.einsum("ij,ij->i", x, y) for x, y in blocks_of_two(first, second)])


def _cosines_to(rows: UnitRows, word: np.ndarray) -> np.ndarray:
    return np.concatenate([block @ word for _, block in blocks(rows)])


def same_rows(images: Any, originals: Any) -> tuple[UnitRows, UnitRows]:
    """Return two sets of embeddings of the same latents, `(N, D)` each, as unit rows."""
    first, second = _unit_pair(images, originals)
    if len(first) != len(second):
        counts = f"{len(first)} and {len(second)}"
        raise NadaError(f"Rows are compared one by one, but there are {counts}; use equal latents.")
    return first, second


def _unit_pair(a: Any, b: Any) -> tuple[UnitRows, UnitRows]:
    names = ("The first embeddings", "The second embeddings")
    first, second = as_pair(a, b, names)
    return UnitRows(first, names[0]), UnitRows(second, names[1])


def _same_width(rows: np.ndarray, words: np.ndarray, name: str) -> None:
    if rows.shape[1] != words.shape[1]:
        raise NadaError(f"{IMAGES} have {rows.shape[1]} columns and {name.lower()} {words.shape[1]}; use one encoder.")
