"""Layers with equalised learning rate: weights are kept at unit scale and scaled when used (arXiv:1710.10196, 4.1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nada import ops
from nada.models.compute import Compute
from nada.models.spectral import ScaledLayer


class FullyConnected(ScaledLayer):
    """Linear layer with bias and activation, `(N, in_features)` to `(N, out_features)`.

    `lr_multiplier` slows learning: parameters are kept that much larger and scaled down when used.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        act: str = "linear",
        lr_multiplier: float = 1.0,
        bias_init: float = 0.0,
        spectral: bool = False,
    ) -> None:
        weight = torch.randn(out_features, in_features) / lr_multiplier
        super().__init__(weight, lr_multiplier / math.sqrt(in_features), spectral)
        self.act = act
        self.bias = nn.Parameter(torch.full((out_features,), bias_init / lr_multiplier))
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """Return the activated map of `x`, in the dtype of `x`."""
        weight = self.scaled_weight(x.dtype)
        bias = self.bias.to(x.dtype)
        if self.bias_gain != 1.0:
            bias = bias * self.bias_gain
        if self.act == "linear":
            return torch.addmm(bias, x, weight.t())
        return ops.bias_act(x @ weight.t(), bias, self.act)


class Conv(ScaledLayer):
    """Plain convolution of the discriminator, optionally halving the size behind a low-pass filter."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        act: str = "lrelu",
        down: int = 1,
        bias: bool = True,
        clamp: float | None = None,
        spectral: bool = False,
    ) -> None:
        weight = torch.randn(out_channels, in_channels, kernel_size, kernel_size)
        super().__init__(weight, 1.0 / math.sqrt(in_channels * kernel_size**2), spectral)
        self.act, self.down, self.clamp = act, down, clamp
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.register_buffer("resample_filter", ops.setup_filter(separable=True), persistent=False)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        """Return `(N, O, H / down, W / down)`; `gain` multiplies the activation's own gain and the clamp."""
        weight = self.scaled_weight(x.dtype)
        size = weight.shape[2]
        if self.down == 1:
            x = nn.functional.conv2d(x, weight, padding=size // 2)
        elif size == 1:
            x = nn.functional.conv2d(ops.downsample2d(x, self.resample_filter), weight)
        else:
            x = ops.upfirdn2d(x, self.resample_filter, padding=size // 2 + 1)
            x = nn.functional.conv2d(x, weight, stride=self.down)
        clamp = None if self.clamp is None else self.clamp * gain
        return ops.bias_act(x, self.bias, self.act, gain=_act_gain(self.act) * gain, clamp=clamp)


def _act_gain(act: str) -> float:
    return math.sqrt(2.0) if act == "lrelu" else 1.0


class SynthesisLayer(nn.Module):
    """Modulated 3x3 convolution, noise, bias, leaky ReLU: one "styled convolution" (arXiv:1912.04958, figure 2c)."""

    def __init__(
        self, in_channels: int, out_channels: int, w_dim: int, size: int, up: int = 1, clamp: float | None = None
    ) -> None:
        super().__init__()
        self.up, self.clamp, self.size = up, clamp, size
        self.affine = FullyConnected(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("noise_const", torch.randn(size, size))
        self.register_buffer("resample_filter", ops.setup_filter(separable=True), persistent=False)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None, compute: Compute = Compute()) -> Tensor:
        """Map `x (N, I, h, h)` with `w (N, w_dim)` to `(N, O, size, size)`; `noise` broadcasts to it, unscaled."""
        # The published networks convolve where they upsample and correlate where they do not; checkpoints fix that.
        return ops.styled_conv2d(
            x,
            compute.weight(self.weight),
            self.affine(w),
            noise,
            self.noise_strength,
            self.bias,
            self.up,
            self.resample_filter,
            flip_weight=self.up == 1,
            gain=_act_gain("lrelu"),
            clamp=self.clamp,
        )


class ToRGB(nn.Module):
    """Modulated 1x1 convolution without demodulation, from features to picture channels."""

    def __init__(self, in_channels: int, out_channels: int, w_dim: int, clamp: float | None = None) -> None:
        super().__init__()
        self.clamp = clamp
        self.affine = FullyConnected(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.weight_gain = 1.0 / math.sqrt(in_channels)

    def forward(self, x: Tensor, w: Tensor, image: Tensor | None, taps: Tensor) -> Tensor:
        """Map `x (N, I, h, h)` with `w (N, w_dim)` to `(N, out_channels, h, h)`, added to the upsampled `image` of half the size.

        `taps` is the separable filter of the upsampling.
        """
        styles = self.affine(w) * self.weight_gain
        return ops.to_rgb(x, styles[:, None] * self.weight[:, :, 0, 0], self.bias, image, taps, self.clamp)
