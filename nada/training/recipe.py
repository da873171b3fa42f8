"""How a training goes: every number that the loop reads, and the schedules that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from nada.errors import UsageError
from nada.losses import LOSSES
from nada.models import Compute

AUGMENT_POLICIES = ("ada", "diff", "none")
SCHEDULES = ("constant", "linear", "cosine")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Recipe:
    """How to train. Thousands of pictures (kimg) are pictures of `batch` shown once a step.

    Attributes:
        batch: pictures of a step, over all processes.
        lr, d_lr: Adam's learning rates of generator and discriminator; `d_lr` None is `lr`.
        schedule: what becomes of them from the first to the last of `total_kimg`: "constant", or "linear" or "cosine" to 0.
        warmup_kimg: how long they rise from 0.
        loss: "logistic", "hinge" or "wgan-gp"; `gradient_penalty` is the weight of the last one's penalty.
        label_smoothing: one-sided; real pictures are to be taken for real with 1 minus this.
        gamma, r1_interval: weight of R1, and that it is computed every so many steps, as much stronger.
        path_length, path_interval: weight of path-length regularisation (2 as published, 0 for none), likewise lazy.
        mixing: probability that a step mixes two styles.
        g_steps, d_steps: updates of each network in a step.
        fresh_batch: the discriminator sees new pictures and not those of the generator's update before it.
        clip_norm: gradients longer than this are shortened to it; 0 for never.
        frozen: names of discriminator parameters that stay as they are (FreezeD, Mo et al. 2020, arXiv:2002.10964).
        augment, augment_kinds, ada_kimg: see `nada.training.augmentation`.
        ema_kimg, ema_rampup: half-life of the average of the weights; in the beginning at most `ema_rampup` of what
            has been seen (0: from the start at full length).
        dtype: of the feature maps; parameters, logits and penalties are float32.
    """

    batch: int = 16
    lr: float = 0.0025
    d_lr: float | None = None
    schedule: str = "constant"
    warmup_kimg: float = 0.0
    total_kimg: float = 100.0
    loss: str = "logistic"
    gradient_penalty: float = 10.0
    label_smoothing: float = 0.0
    gamma: float = 0.1
    r1_interval: int = 16
    path_length: float = 0.0
    path_interval: int = 4
    mixing: float = 0.0
    g_steps: int = 1
    d_steps: int = 1
    fresh_batch: bool = False
    clip_norm: float = 0.0
    frozen: tuple[str, ...] = ()
    augment: str = "ada"
    augment_kinds: tuple[str, ...] = ("flip", "shift", "colour", "cutout")
    ada_kimg: float = 100.0
    ema_kimg: float = 5.0
    ema_rampup: float = 0.05
    dtype: str = "fp32"
    seed: int = 0

    def __post_init__(self) -> None:
        known = {"loss": LOSSES, "schedule": SCHEDULES, "augment": AUGMENT_POLICIES, "dtype": tuple(DTYPES)}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise UsageError(f"{name} is one of {', '.join(values)}, not {getattr(self, name)!r}.")
        if self.label_smoothing and self.loss != "logistic":
            raise UsageError(f"label smoothing needs the logistic loss; the loss {self.loss!r} knows no probabilities.")
        if min(self.batch, self.g_steps, self.d_steps, self.r1_interval, self.path_interval) < 1:
            raise UsageError("batch, the steps of either network and the intervals of penalties are at least 1.")

    @property
    def compute(self) -> Compute:
        """How both networks compute their feature maps; the channels of a pixel lie together, which is faster throughout."""
        return Compute(DTYPES[self.dtype], channels_last=True)


def rate_factor(recipe: Recipe, seen: float) -> float:
    """What the learning rates are multiplied with when `seen` pictures have been shown; 0 to 1."""
    kimg = seen / 1000
    rise = min(kimg / recipe.warmup_kimg, 1.0) if recipe.warmup_kimg else 1.0
    done = min(kimg / recipe.total_kimg, 1.0)
    if recipe.schedule == "linear":
        return rise * (1 - done)
    if recipe.schedule == "cosine":
        return rise * 0.5 * (1 + math.cos(math.pi * done))
    return rise


def average_memory(recipe: Recipe, seen: int) -> float:
    """What share of the average survives a step: half after `ema_kimg` thousand pictures, less in the beginning."""
    half_life = recipe.ema_kimg * 1000
    if recipe.ema_rampup:
        half_life = min(half_life, recipe.ema_rampup * seen)
    return 0.5 ** (recipe.batch / max(half_life, 1e-8))
