"""StyleGAN2 discriminator: residual, skip or plain; conditions by projection (arXiv:1912.04958, arXiv:1802.05637)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from nada import ops
from nada.errors import UsageError
from nada.models.compute import ComputingModule
from nada.models.config import DiscriminatorConfig, block_sizes
from nada.models.layers import Conv, FullyConnected
from nada.models.mapping import Mapping, normalize_second_moment


def group_size(count: int, group: int) -> int:
    """How many of `count` samples share one minibatch statistic: the largest number up to `group` that divides them."""
    return next(size for size in range(min(group, count), 0, -1) if count % size == 0)


def minibatch_std(x: Tensor, group: int, channels: int) -> Tensor:
    """Append `channels` maps to `x (N, C, H, W)` that hold the standard deviation over groups of samples.

    Every (N / `group_size`)-th sample belongs to one group (arXiv:1710.10196, section 3; groups as in StyleGAN).
    """
    n, c, h, w = x.shape
    group = group_size(n, group)
    y = x.float().reshape(group, -1, channels, c // channels, h, w)
    deviation = ((y - y.mean(dim=0)).square().mean(dim=0) + 1e-8).sqrt()
    statistic = deviation.mean(dim=(2, 3, 4)).to(x.dtype)  # (N / group, channels)
    maps = statistic.repeat(group, 1)[:, :, None, None].expand(n, channels, h, w)
    last = x.is_contiguous(memory_format=torch.channels_last)
    order = torch.channels_last if last else torch.contiguous_format  # or the result would lose the order of x
    return torch.cat([x, maps.contiguous(memory_format=order)], dim=1)


class DiscriminatorBlock(nn.Module):
    """One resolution: two convolutions, the second one halving the size."""

    def __init__(self, in_channels: int, out_channels: int, config: DiscriminatorConfig, first: bool) -> None:
        super().__init__()
        self.architecture = config.architecture
        settings = {"clamp": config.conv_clamp, "spectral": config.spectral_norm}
        if first or self.architecture == "skip":
            self.fromrgb = Conv(config.image_channels, in_channels, 1, **settings)
        self.conv0 = Conv(in_channels, in_channels, 3, **settings)
        self.conv1 = Conv(in_channels, out_channels, 3, down=2, **settings)
        if self.architecture == "resnet":
            spectral = config.spectral_norm
            self.skip = Conv(in_channels, out_channels, 1, act="linear", down=2, bias=False, spectral=spectral)
        self.register_buffer("resample_filter", ops.setup_filter(separable=True), persistent=False)

    def forward(self, x: Tensor | None, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and picture at half the size; the picture changes in the skip architecture only."""
        if hasattr(self, "fromrgb"):
            y = self.fromrgb(image)
            x = y if x is None else x + y
        if self.architecture == "skip":
            image = ops.downsample2d(image, self.resample_filter)
        if self.architecture != "resnet":
            return self.conv1(self.conv0(x)), image
        half = math.sqrt(0.5)  # keeps the variance of the sum of two branches
        return self.skip(x, gain=half) + self.conv1(self.conv0(x), gain=half), image


class DiscriminatorEpilogue(nn.Module):
    """The 4 px block: minibatch standard deviation, a convolution, two linear layers."""

    def __init__(self, channels: int, config: DiscriminatorConfig, cmap_dim: int) -> None:
        super().__init__()
        self.group, self.extra, self.cmap_dim = config.mbstd_group, config.mbstd_channels, cmap_dim
        spectral = config.spectral_norm
        if config.architecture == "skip" or config.resolution == 4:
            self.fromrgb = Conv(config.image_channels, channels, 1, spectral=spectral)
        self.conv = Conv(channels + self.extra, channels, 3, clamp=config.conv_clamp, spectral=spectral)
        self.fc = FullyConnected(channels * 16, channels, "lrelu", spectral=spectral)
        self.out = FullyConnected(channels, cmap_dim or 1, spectral=spectral)

    def forward(self, x: Tensor | None, image: Tensor, condition: Tensor | None) -> Tensor:
        """Return `(N, 1)` logits, compared with the mapped `condition (N, cmap_dim)` if there is one."""
        if hasattr(self, "fromrgb"):
            y = self.fromrgb(image)
            x = y if x is None else x + y
        if self.extra:
            x = minibatch_std(x, self.group, self.extra)
        x = self.out(self.fc(self.conv(x).flatten(1).float()))
        if condition is None:
            return x
        return (x * condition).sum(dim=1, keepdim=True) / math.sqrt(self.cmap_dim)


class Discriminator(ComputingModule):
    """A StyleGAN2 discriminator with blocks `b{resolution}` … `b8`, the epilogue `b4`, and `mapping` for conditions."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        widths = dict(zip(block_sizes(config.resolution), config.channels))
        for size in reversed(block_sizes(config.resolution)[1:]):
            first = size == config.resolution
            setattr(self, f"b{size}", DiscriminatorBlock(widths[size], widths[size // 2], config, first))
        cmap_dim = 0
        if config.condition_dim:
            cmap_dim = widths[4] if config.cmap_dim is None else config.cmap_dim
            layers, multiplier = config.mapping_layers, config.mapping_lr_multiplier
            self.mapping = Mapping(0, cmap_dim, layers, config.condition_dim, multiplier, bool(config.text_dim))
        self.b4 = DiscriminatorEpilogue(widths[4], config, cmap_dim)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return `(N, 1)` logits, higher for pictures taken as real.

        Args:
            images: `(N, image_channels, H, W)` in [-1, 1].
            labels: class numbers `(N,)`, or rows `(N, condition_dim)`: one-hot for classes, unit-length embeddings
                for text. Needed if the discriminator is conditional; it then also judges whether they belong together.
        """
        x: Tensor | None = None
        image = self.compute.features(images)
        for size in reversed(block_sizes(self.config.resolution)[1:]):
            block = getattr(self, f"b{size}")
            if self.compute.checkpoint and torch.is_grad_enabled():
                x, image = checkpoint(block, x, image, use_reentrant=False, preserve_rng_state=False)
            else:
                x, image = block(x, image)
        return self.b4(x, image, self._condition(labels))

    def _condition(self, labels: Tensor | None) -> Tensor | None:
        if self.config.condition_dim == 0:
            return None
        what = "class" if self.config.num_classes else "text"
        if labels is None:
            raise UsageError(f"This discriminator needs the {what} of every picture.")
        if labels.ndim == 1 and self.config.num_classes:
            labels = nn.functional.one_hot(labels.long(), self.config.num_classes)
        if labels.ndim != 2 or labels.shape[1] != self.config.condition_dim:
            raise UsageError(
                f"This discriminator takes the {what} of a picture as a row of {self.config.condition_dim} numbers, "
                f"not {list(labels.shape)}."
            )
        condition = self.mapping(None, labels.float())
        # The layers that map it are not normalised, since what they bound is how fast verdicts change with pictures;
        # a condition of fixed length is all that this takes.
        return normalize_second_moment(condition) if self.config.spectral_norm else condition


def frozen_layers(discriminator: Discriminator, count: int) -> tuple[str, ...]:
    """Return the names of the parameters that FreezeD keeps as they are (Mo et al. 2020, arXiv:2002.10964).

    Args:
        count: how many blocks, the one that sees the picture first (with its step from the picture); 0 for none.

    Raises:
        UsageError: if there are not so many blocks before the last one, which gives the verdict.
    """
    blocks = [f"b{size}" for size in reversed(block_sizes(discriminator.config.resolution)[1:])]
    if not 0 <= count <= len(blocks):
        there_are = f"{len(blocks)} blocks that can be frozen ({', '.join(blocks)})"
        raise UsageError(f"This discriminator has {there_are}, not {count}.")
    return tuple(name for name, _ in discriminator.named_parameters() if name.split(".")[0] in blocks[:count])
