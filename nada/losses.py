"""Losses of adversarial training: logits in, one number to minimise out.

The non-saturating logistic loss is Goodfellow et al. 2014 (section 3) in the softplus form of StyleGAN
(Karras et al. 2019); R1 is the zero-centred gradient penalty of Mescheder et al. 2018 (equation 9).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Mean of -log sigmoid(D(fake)); `fake_logits` of any shape, finite for logits of any size."""
    return softplus(-fake_logits).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Mean of -log sigmoid(D(real)) plus mean of -log(1 - sigmoid(D(fake)))."""
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def r1_penalty(real_logits: Tensor, images: Tensor) -> Tensor:
    """Mean over the batch of the squared gradient norm of D at the real images.

    `images (N, C, H, W)` must require gradients and `real_logits (N, 1)` must have been computed from
    them. The result is not yet multiplied by gamma / 2. It can be differentiated again.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
