"""Losses of adversarial training: logits in, one number to minimise out.

Three kinds (`LOSSES`): "logistic" is the non-saturating loss of Goodfellow et al. 2014 (section 3) in the softplus form of
StyleGAN (Karras et al. 2019); "hinge" is Lim & Ye 2017 (arXiv:1705.02894); "wgan-gp" the critic of Gulrajani et al. 2017
(arXiv:1704.00028), whose gradient penalty is `gradient_penalty`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from nada.errors import UsageError

LOSSES = ("logistic", "hinge", "wgan-gp")


def generator_loss(fake_logits: Tensor, kind: str = "logistic") -> Tensor:
    """The generator's loss; `fake_logits` of any shape, finite for logits of any size.

    Mean of -log sigmoid(D(fake)) for "logistic", of -D(fake) for the others. Raises UsageError for an unknown kind.
    """
    _check(kind)
    return softplus(-fake_logits).mean() if kind == "logistic" else -fake_logits.mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, kind: str = "logistic", smoothing: float = 0.0) -> Tensor:
    """The discriminator's loss, without a gradient penalty.

    "logistic": mean of -log sigmoid(D(real)) plus mean of -log(1 - sigmoid(D(fake))). "hinge": logits beyond 1 on the
    right side cost nothing. "wgan-gp": mean of D(fake) - D(real).

    Args:
        smoothing: one-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498, 3.4): real pictures are to be
            taken for real with probability 1 - smoothing; generated ones keep the target 0.

    Raises:
        UsageError: for an unknown kind, or smoothing with a loss that has no probabilities.
    """
    _check(kind)
    if smoothing and kind != "logistic":
        raise UsageError(f"label smoothing needs the logistic loss; the loss {kind!r} knows no probabilities.")
    if kind == "hinge":
        return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()
    if kind == "wgan-gp":
        return fake_logits.mean() - real_logits.mean()
    real = (1 - smoothing) * softplus(-real_logits).mean() + smoothing * softplus(real_logits).mean()
    return real + softplus(fake_logits).mean()


def r1_penalty(real_logits: Tensor, images: Tensor) -> Tensor:
    """Mean over the batch of the squared gradient norm of D at the real images (Mescheder et al. 2018, equation 9).

    `images (N, C, H, W)` must require gradients and `real_logits (N, 1)` must have been computed from
    them. The result is not yet multiplied by gamma / 2. It can be differentiated again.
    """
    return _gradient(real_logits, images).square().sum(dim=(1, 2, 3)).mean()


def gradient_penalty(judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """Mean of (|gradient of D| - 1)^2 at random points between real and generated pictures (WGAN-GP, equation 3).

    Args:
        judge: pictures `(N, C, H, W)` to logits `(N, 1)`.
        share: `(N, 1, 1, 1)` in [0, 1]: how much of each point is the generated picture.
    """
    points = real.detach().float().lerp(fake.detach().float(), share).requires_grad_(True)
    return (_gradient(judge(points), points).flatten(1).norm(dim=1) - 1).square().mean()


def path_lengths(images: Tensor, styles: Tensor, noise: Tensor) -> Tensor:
    """How far each picture moves per step in w: `(N,)` norms of J^T y (Karras et al. 2019b, arXiv:1912.04958, equation 4).

    Args:
        images: `(N, C, H, W)`, computed from `styles (N, L, D)`, which require gradients.
        noise: y, standard normal, of the shape of `images`; it is divided by the square root of H times W here.
    """
    directions = noise / (images.shape[2] * images.shape[3]) ** 0.5
    (gradient,) = torch.autograd.grad((images * directions).sum(), styles, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


def _gradient(logits: Tensor, images: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient


def _check(kind: str) -> None:
    if kind not in LOSSES:
        raise UsageError(f"unknown loss {kind!r}; choose from {', '.join(LOSSES)}.")
