"""The guidance losses as pure functions of embeddings.

Embeddings (`frozen`, `trainable`) are (N, D) with unit rows, `direction` is (D,) with unit length, dtypes
agree, and what is returned is one number per sample, (N,). ΔE is `trainable - frozen`.

Gal et al., "StyleGAN-NADA: CLIP-Guided Domain Adaptation of Image Generators", 2022, section 4.1.
"""

from __future__ import annotations

import torch
from torch import Tensor


def unit(vectors: Tensor, eps: float = 1e-8) -> Tensor:
    """`vectors` (..., D) divided by their length; lengths below `eps` count as `eps`, so zero stays zero."""
    return vectors / torch.linalg.vector_norm(vectors, dim=-1, keepdim=True).clamp(min=eps)


def edit_length(frozen: Tensor, trainable: Tensor) -> Tensor:
    """‖ΔE‖, how far each sample moved; between 0 and 2."""
    return torch.linalg.vector_norm(trainable - frozen, dim=-1)


def projection(frozen: Tensor, trainable: Tensor, direction: Tensor) -> Tensor:
    """<ΔE, d>, how far each sample moved along the direction; between -2 and 2."""
    return (trainable - frozen) @ direction


def edit_cosine(frozen: Tensor, trainable: Tensor, direction: Tensor, eps: float = 1e-8) -> Tensor:
    """cos(ΔE, d); 0 for a sample that did not move."""
    return unit(trainable - frozen, eps) @ direction


def directional_loss(frozen: Tensor, trainable: Tensor, direction: Tensor, eps: float = 1e-8) -> Tensor:
    """`1 - <ΔE, d> / max(‖ΔE‖, eps)`: the paper's `1 - cos(ΔE, d)` for every edit longer than `eps`.

    The paper divides by ‖ΔE‖ alone, which is undefined where the two copies are still equal. Here an edit of
    zero costs exactly 1 and its gradient is `-d / eps`: finite, and pulling along the direction.
    """
    return 1 - edit_cosine(frozen, trainable, direction, eps)


def global_loss(embeddings: Tensor, target: Tensor) -> Tensor:
    """`1 - cos(E, target)`, the paper's global loss; `target` is (D,), unit length."""
    return 1 - embeddings @ target


def projection_hinge(frozen: Tensor, trainable: Tensor, direction: Tensor, minimum: float = 1.0) -> Tensor:
    """`max(0, minimum - <ΔE, d>)`: asks for an edit that is long enough, which no term of the paper does.

    The directional loss is content with an edit that points the right way and is too short to see.
    """
    return torch.relu(minimum - projection(frozen, trainable, direction))
