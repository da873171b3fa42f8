"""A plain-torch StyleGAN2 generator and adaptation step, arranged the way the published StyleGAN-NADA code is.

What the timings of this folder are compared with. The pictures are those of `nada.models.Generator` with the same
weights; only the arrangement differs: weights are made for every sample, `(N, O, I, k, k)`, and demodulated through
that tensor; the convolutions are grouped by sample; low-pass filters run over `(N * C, 1, H, W)`; noise, bias,
activation and gain are separate operators; everything is float32. Written from the formulas of arXiv:1912.04958 and
arXiv:2108.00946.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nada.errors import UsageError
from nada.models import Generator, GeneratorConfig

SLOPE, GAIN = 0.2, math.sqrt(2.0)
EPSILON = 1e-8
LEARNING_RATE, BETAS = 0.0016, (0.0, 0.99**0.8)
Noise = dict[str, Tensor]


def filter_planes(x: Tensor, taps: Tensor, padding: tuple[int, int], up: int = 1) -> Tensor:
    """Filter `x (N, C, H, W)` plane by plane with `taps (k, k)`, after inserting zeros and padding (before, after)."""
    n, c, h, w = x.shape
    x = x.reshape(n * c, 1, h, 1, w, 1)
    x = F.pad(x, (0, up - 1, 0, 0, 0, up - 1)).reshape(n * c, 1, h * up, w * up)
    x = F.pad(x, (*padding, *padding))
    x = F.conv2d(x, taps.flip([0, 1])[None, None])
    return x.reshape(n, c, *x.shape[2:])


def _low_pass(gain: float) -> Tensor:
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(taps, taps) / taps.sum() ** 2 * gain


class PlainLinear(nn.Module):
    """Linear layer with an equalised learning rate; the mapping's also activate."""

    def __init__(self, inputs: int, outputs: int, multiplier: float = 1.0, active: bool = False) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(outputs, inputs)), nn.Parameter(torch.empty(outputs))
        self.scale, self.multiplier, self.active = multiplier / math.sqrt(inputs), multiplier, active

    def forward(self, x: Tensor) -> Tensor:
        """Map `(N, inputs)` to `(N, outputs)`."""
        if not self.active:
            return F.linear(x, self.weight * self.scale, self.bias * self.multiplier)
        x = F.linear(x, self.weight * self.scale)
        return F.leaky_relu(x + self.bias * self.multiplier, SLOPE) * GAIN


class PlainConv(nn.Module):
    """Convolution with weights of its own for every sample."""

    def __init__(self, inputs: int, outputs: int, kernel: int, w_dim: int) -> None:
        super().__init__()
        self.affine = PlainLinear(w_dim, inputs)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.scale = 1.0 / math.sqrt(inputs * kernel**2)

    def weights(self, w: Tensor, demodulate: bool) -> Tensor:
        """Return `(N, O, I, k, k)`."""
        weight = self.scale * self.weight[None] * self.affine(w)[:, None, :, None, None]
        if demodulate:
            weight = weight * (weight.square().sum(dim=(2, 3, 4), keepdim=True) + EPSILON).rsqrt()
        return weight


class PlainLayer(PlainConv):
    """Styled 3x3 convolution, noise, bias, leaky ReLU; after 4 px the first of a block doubles the size."""

    def __init__(self, inputs: int, outputs: int, w_dim: int, size: int, up: bool) -> None:
        super().__init__(inputs, outputs, 3, w_dim)
        self.up = up
        self.noise_strength = nn.Parameter(torch.empty([]))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.register_buffer("noise_const", torch.empty(size, size))
        self.register_buffer("taps", _low_pass(4.0), persistent=False)

    def convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        """Convolve each sample of `x` with its weights, as groups of one large sample."""
        n, outputs, inputs, k, _ = weight.shape
        height, width = x.shape[2:]
        x = x.reshape(1, n * inputs, height, width)
        if not self.up:
            x = F.conv2d(x, weight.reshape(n * outputs, inputs, k, k), padding=k // 2, groups=n)
            return x.reshape(n, outputs, height, width)
        weight = weight.transpose(1, 2).reshape(n * inputs, outputs, k, k)
        x = F.conv_transpose2d(x, weight, stride=2, groups=n)
        return filter_planes(x.reshape(n, outputs, *x.shape[2:]), self.taps, (1, 1))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """Map `x (N, I, h, h)` with `w (N, w_dim)`; without `noise` it is drawn here."""
        x = self.convolve(x, self.weights(w, demodulate=True))
        if noise is None:
            noise = x.new_empty(x.shape[0], 1, *x.shape[2:]).normal_()
        x = x + self.noise_strength * noise
        return F.leaky_relu(x + self.bias[None, :, None, None], SLOPE) * GAIN


class PlainToRGB(PlainConv):
    """Styled 1x1 convolution to the picture, added to the picture so far at twice its size."""

    def __init__(self, inputs: int, outputs: int, w_dim: int) -> None:
        super().__init__(inputs, outputs, 1, w_dim)
        self.bias = nn.Parameter(torch.empty(outputs))
        self.register_buffer("taps", _low_pass(4.0), persistent=False)

    def forward(self, x: Tensor, w: Tensor, image: Tensor | None) -> Tensor:
        """Map `x (N, I, h, h)` and `image (N, outputs, h / 2, h / 2)` to `(N, outputs, h, h)`."""
        weight = self.weights(w, demodulate=False)
        n, outputs, inputs = weight.shape[:3]
        size = x.shape[2:]
        rgb = F.conv2d(x.reshape(1, n * inputs, *size), weight.reshape(n * outputs, inputs, 1, 1), groups=n)
        rgb = rgb.reshape(n, outputs, *size) + self.bias[None, :, None, None]
        return rgb if image is None else rgb + filter_planes(image, self.taps, (2, 1), up=2)


class PlainGenerator(nn.Module):
    """The twin of `nada.models.Generator`: same names and shapes of parameters, so that weights load as they are."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        if config.num_classes or config.conv_clamp is not None:
            raise UsageError("The plain twin has neither classes nor a clamp; give it a generator without them.")
        self.mapping = nn.Module()
        self.mapping.register_buffer("w_avg", torch.empty(config.w_dim))
        for index in range(config.mapping_layers):
            inputs = config.z_dim if index == 0 else config.w_dim
            layer = PlainLinear(inputs, config.w_dim, config.mapping_lr_multiplier, active=True)
            setattr(self.mapping, f"fc{index}", layer)
        self.sizes = tuple(4 << index for index in range(len(config.channels)))
        for index, size in enumerate(self.sizes):
            setattr(self, f"b{size}", self._block(config, index, size))

    @staticmethod
    def _block(config: GeneratorConfig, index: int, size: int) -> nn.Module:
        block, width = nn.Module(), config.channels[index]
        if index == 0:
            block.const = nn.Parameter(torch.empty(width, 4, 4))
        else:
            block.conv0 = PlainLayer(config.channels[index - 1], width, config.w_dim, size, up=True)
        block.conv1 = PlainLayer(width, width, config.w_dim, size, up=False)
        block.torgb = PlainToRGB(width, config.image_channels, config.w_dim)
        return block

    @classmethod
    def like(cls, generator: Generator) -> PlainGenerator:
        """Return a twin with a copy of the weights of `generator`, on its device."""
        state = generator.state_dict()
        twin = cls(generator.config).to(state["b4.const"].device)
        twin.load_state_dict(state)
        return twin

    def map_latents(self, z: Tensor) -> Tensor:
        """Map `z (N, z_dim)` to one style `(N, w_dim)` for all layers."""
        x = z * (z.square().mean(dim=1, keepdim=True) + EPSILON).rsqrt()
        for layer in self.mapping.children():
            x = layer(x)
        return x

    def synthesize(self, w: Tensor, noise: Noise | None = None) -> Tensor:
        """Turn one style `(N, w_dim)` into pictures; `noise` as `Generator.make_noise` gives, None to draw it."""
        noise = noise or {}
        x, image = self.b4.const[None].repeat(len(w), 1, 1, 1), None
        for size in self.sizes:
            block = getattr(self, f"b{size}")
            if size > 4:
                x = block.conv0(x, w, noise.get(f"b{size}.conv0"))
            x = block.conv1(x, w, noise.get(f"b{size}.conv1"))
            image = block.torgb(x, w, image)
        return image

    def forward(self, z: Tensor, noise: Noise | None = None) -> Tensor:
        """Return pictures `(N, image_channels, H, W)` for latents `z (N, z_dim)`."""
        return self.synthesize(self.map_latents(z), noise)


class PlainStep:
    """The published adaptation step: two whole generator passes and two guide passes, nothing shared, float32, Adam.

    Args:
        generator: the source; two copies of it are made.
        names: the parameters that move.
        encode: pictures `(N, C, H, W)` in [-1, 1] to unit embeddings `(N, D)`.
        direction: `(D,)`, unit length, found once from the texts.
        floor: edits shorter than this count as this long, as in `nada.clip`; the published code divides by zero.
    """

    def __init__(
        self,
        generator: PlainGenerator,
        names: Iterable[str],
        encode: Callable[[Tensor], Tensor],
        direction: Tensor,
        lr: float = LEARNING_RATE,
        floor: float = 0.05,
    ) -> None:
        self.frozen = copy.deepcopy(generator).requires_grad_(False)
        self.trainable = copy.deepcopy(self.frozen)
        self.moving = {name: self.trainable.get_parameter(name).requires_grad_(True) for name in names}
        self.encode, self.direction, self.floor = encode, direction, floor
        self.optimizer = torch.optim.Adam(self.moving.values(), lr=lr, betas=BETAS)

    def loss(self, z: Tensor, noises: tuple[Noise | None, Noise | None] = (None, None)) -> Tensor:
        """Return the directional loss of latents `z`; noise is drawn for each copy on its own unless given."""
        with torch.no_grad():
            w = self.frozen.map_latents(z)
            source = self.frozen.synthesize(w, noises[0])
            before = self.encode(source)
        after = self.encode(self.trainable.synthesize(w, noises[1]))
        edit = after - before
        length = torch.linalg.vector_norm(edit, dim=-1, keepdim=True).clamp(min=self.floor)
        return (1 - (edit / length) @ self.direction).mean()

    def advance(self, z: Tensor, noises: tuple[Noise | None, Noise | None] = (None, None)) -> float:
        """Take one step and return its loss."""
        loss = self.loss(z, noises)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()
