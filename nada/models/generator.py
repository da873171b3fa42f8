"""StyleGAN2 generator with skip connections (Karras et al. 2019, arXiv:1912.04958; conditions as in 2006.06676)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Union

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from nada import ops
from nada.errors import UsageError
from nada.images import to_uint8
from nada.models.compute import Compute, ComputingModule
from nada.models.conditions import Classes, condition_numbers, condition_rows, shared_rows
from nada.models.config import GeneratorConfig, block_sizes
from nada.models.layers import SynthesisLayer, ToRGB
from nada.models.mapping import Mapping, latents_from_seeds
from nada.models.truncation import ConditionCentres, check_centre, truncate

Noise = Union[str, "dict[str, Tensor]"]
NOISE_MODES = ("const", "random", "none")


class Features(NamedTuple):
    """What one block hands to the next: feature maps `x (N, C, h, h)` and the picture so far `(N, 3, h, h)`."""

    x: Tensor | None
    image: Tensor | None


class SynthesisBlock(nn.Module):
    """One resolution: an upsampling convolution (not at 4 px), a convolution, and the step to the picture."""

    def __init__(self, size: int, in_channels: int, out_channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        clamp = config.conv_clamp
        if in_channels:
            self.conv0 = SynthesisLayer(in_channels, out_channels, config.w_dim, size, up=2, clamp=clamp)
        else:
            self.const = nn.Parameter(torch.randn(out_channels, 4, 4))
        self.conv1 = SynthesisLayer(out_channels, out_channels, config.w_dim, size, clamp=clamp)
        self.torgb = ToRGB(out_channels, config.image_channels, config.w_dim, clamp)
        self.register_buffer("resample_filter", ops.setup_filter(separable=True), persistent=False)

    @property
    def layers(self) -> dict[str, SynthesisLayer]:
        """The convolutions of the block in their order, by name."""
        return {name: layer for name, layer in self.named_children() if isinstance(layer, SynthesisLayer)}

    def forward(
        self, features: Features, w: Tensor, noise: dict[str, Tensor | None], compute: Compute = Compute()
    ) -> Features:
        """Run the block; `w (N, layers + 1, w_dim)` has one style per convolution and one for the picture."""
        x, image = features
        if x is None:
            x = compute.features(self.const.expand(w.shape[0], -1, -1, -1))
        for index, (name, layer) in enumerate(self.layers.items()):
            x = layer(x, w[:, index], noise[name], compute)
        return Features(x, self.torgb(x, w[:, len(self.layers)], image, self.resample_filter))


class Generator(ComputingModule):
    """A StyleGAN2 generator: `mapping` and the blocks `b4`, `b8`, … as children.

    Parameters are addressed by name, `b64.conv1.weight`. Pictures are `(N, image_channels, H, W)` with values in
    [-1, 1] by training, not by construction: nothing clips them.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(
            config.z_dim,
            config.w_dim,
            config.mapping_layers,
            config.condition_dim,
            config.mapping_lr_multiplier,
            bool(config.text_dim),
            len(config.prompts) if config.text_dim else None,
        )
        self._centres = ConditionCentres()
        self.block_names = tuple(f"b{size}" for size in block_sizes(config.resolution))
        widths = (0, *config.channels)
        for index, (size, name) in enumerate(zip(block_sizes(config.resolution), self.block_names)):
            setattr(self, name, SynthesisBlock(size, widths[index], widths[index + 1], config))

    @property
    def num_ws(self) -> int:
        """How many styles `synthesize` takes: `2 log2(resolution) - 2`."""
        return 2 * len(self.block_names)

    def style_slice(self, block: str) -> slice:
        """Return which styles a block reads; its last one, for the picture, is also the next block's first."""
        index = self.block_names.index(block)
        return slice(max(2 * index - 1, 0), 2 * index + 2)

    @property
    def known_conditions(self) -> Tensor | None:
        """The rows `(num_conditions, condition_dim)` that numbers stand for; None if unconditional."""
        if self.config.text_dim:
            return self.mapping.prompt_embeddings
        classes = self.config.num_classes
        return torch.eye(classes, device=self.b4.const.device) if classes else None

    def condition_rows(self, labels: Tensor | None, count: int) -> Tensor | None:
        """Return conditions `(count, condition_dim)` from numbers `(count,)` or rows; None if unconditional.

        Raises:
            UsageError: if the generator is conditional and no condition is given, or one does not exist.
        """
        return condition_rows(labels, count, self.config, self.known_conditions)

    def map_latents(
        self,
        z: Tensor,
        labels: Tensor | None = None,
        truncation: float = 1.0,
        truncation_cutoff: int | None = None,
        truncation_centre: str = "global",
    ) -> Tensor:
        """Map `z (N, z_dim)` to styles `(N, num_ws, w_dim)`.

        Args:
            labels: numbers `(N,)` of classes or known prompts, or rows `(N, condition_dim)`: one-hot for classes,
                unit-length embeddings for text; needed if the generator is conditional.
            truncation: psi, 1 for none; smaller values pull towards the mean style (arXiv:1812.04948, appendix B).
            truncation_cutoff: how many layers, counted from 4 px, are truncated; None for all.
            truncation_centre: "global" for the mean of all styles, as published; "condition" for the mean of each
                picture's own condition, which keeps what it shows (arXiv:2202.11777). The same where there are none.
        """
        check_centre(truncation_centre)
        rows = self.condition_rows(labels, len(z))
        w = self.mapping(z, rows).unsqueeze(1).repeat(1, self.num_ws, 1)
        if truncation == 1.0:
            return w
        own = rows is not None and truncation_centre == "condition"
        centre = self._centres.of(self.mapping, rows) if own else self.mapping.w_avg
        return truncate(w, centre, truncation, truncation_cutoff)

    def make_noise(
        self, count: int, rng: torch.Generator | None = None, device: str | torch.device | None = None
    ) -> dict[str, Tensor]:
        """Draw `(count, 1, size, size)` standard normal noise for every convolution, keyed `b8.conv0`.

        `rng` is a CPU generator; the draw is the same on every device. It goes to `device`, by default the generator's.
        """
        device = self.b4.const.device if device is None else device
        return {
            f"{name}.{key}": torch.randn(count, 1, layer.size, layer.size, generator=rng).to(device)
            for name in self.block_names
            for key, layer in getattr(self, name).layers.items()
        }

    def _block_noise(self, name: str, noise: Noise, count: int, dtype: torch.dtype) -> dict[str, Tensor | None]:
        result: dict[str, Tensor | None] = {}
        for key, layer in getattr(self, name).layers.items():
            if not isinstance(noise, str):
                result[key] = noise[f"{name}.{key}"]
            elif noise == "const":
                result[key] = layer.noise_const
            elif noise == "random":
                result[key] = torch.randn(count, 1, layer.size, layer.size, device=layer.weight.device, dtype=dtype)
            elif noise == "none":
                result[key] = None
            else:
                raise UsageError(f"Noise is one of {', '.join(NOISE_MODES)} or a dict of tensors, not {noise!r}.")
        return result

    def _run(self, features: Features, w: Tensor, names: Sequence[str], noise: Noise) -> Features:
        for name in names:
            block_noise = self._block_noise(name, noise, w.shape[0], w.dtype)
            arguments = features, w[:, self.style_slice(name)], block_noise, self.compute
            if self.compute.checkpoint and torch.is_grad_enabled():
                features = checkpoint(getattr(self, name), *arguments, use_reentrant=False, preserve_rng_state=False)
            else:
                features = getattr(self, name)(*arguments)
        return features

    def synthesize(self, w: Tensor, noise: Noise = "const") -> Tensor:
        """Turn styles `(N, num_ws, w_dim)` into pictures `(N, image_channels, H, W)`.

        Args:
            noise: "const" takes the stored maps, "random" draws new ones, "none" leaves noise out; or a dict of maps
                `(N or 1, 1, size, size)` for every convolution, as `make_noise` gives.
        """
        return self._run(Features(None, None), w, self.block_names, noise).image

    def synthesize_until(self, w: Tensor, block: str, noise: Noise = "const") -> Features:
        """Run the blocks before `block` only; `synthesize_from` goes on from what is returned."""
        return self._run(Features(None, None), w, self.block_names[: self.block_names.index(block)], noise)

    def synthesize_from(self, features: Features, w: Tensor, block: str, noise: Noise = "const") -> Tensor:
        """Run `block` and all after it on `features`, returning pictures as `synthesize` does."""
        return self._run(features, w, self.block_names[self.block_names.index(block) :], noise).image

    def forward(
        self,
        z: Tensor,
        labels: Tensor | None = None,
        truncation: float = 1.0,
        noise: Noise = "const",
        truncation_centre: str = "global",
    ) -> Tensor:
        """Return pictures `(N, image_channels, H, W)` for latents `z (N, z_dim)`; arguments as of `map_latents`."""
        w = self.map_latents(z, labels, truncation, truncation_centre=truncation_centre)
        return self.synthesize(w, noise)

    @torch.no_grad()
    def sample(
        self,
        seeds: Iterable[int],
        truncation: float = 1.0,
        classes: Classes = None,
        noise: Noise = "const",
        batch: int = 16,
        conditions: Tensor | None = None,
        truncation_centre: str = "global",
    ) -> np.ndarray:
        """Return uint8 pictures `(len(seeds), H, W, image_channels)`, one per seed.

        Args:
            truncation: as of `map_latents`, with `truncation_centre`.
            classes: name or number of a class or known prompt, one for all or one per seed; None takes
                `seed % num_conditions`. Ignored by an unconditional generator.
            batch: how many are computed at once; with "const" or "none" noise it does not change a picture.
            conditions: instead of classes, rows `(len(seeds), condition_dim)`, or one row for all: embeddings of any
                text by the generator's `text_guide`, or mixtures of classes.
        """
        seeds = list(seeds)
        labels = self.labels_of(seeds, classes) if conditions is None else self._rows_of(seeds, conditions, classes)
        device = self.b4.const.device
        pictures = []
        for start in range(0, len(seeds), batch):
            z = latents_from_seeds(seeds[start : start + batch], self.config.z_dim).to(device)
            part = None if labels is None else labels[start : start + batch].to(device)
            pictures.append(to_uint8(self(z, part, truncation, noise, truncation_centre)))
        side, depth = self.config.resolution, self.config.image_channels
        return np.concatenate(pictures) if pictures else np.zeros((0, side, side, depth), np.uint8)

    def labels_of(self, seeds: Sequence[int], classes: Classes = None) -> Tensor | None:
        """Return the number of every seed's condition `(len(seeds),)`, as `sample` chooses it; None if unconditional."""
        return condition_numbers(seeds, self.config, classes)

    def _rows_of(self, seeds: Sequence[int], conditions: Tensor, classes: Classes) -> Tensor:
        if classes is not None or not self.config.condition_dim:
            why = "they exclude classes" if classes is not None else "this generator is unconditional"
            raise UsageError(f"Conditions cannot be given here: {why}.")
        return shared_rows(conditions, len(seeds))

    def extra_repr(self) -> str:
        """Return size and conditions, for the first line of the network's description."""
        conditions = self.config.describe_conditions() or "unconditional"
        some = [repr(name) for name in self.config.condition_names[:4]]
        names = f" ({', '.join(some)}{', …' if self.config.num_conditions > len(some) else ''})" if some else ""
        return f"{self.config.resolution} px, {conditions}{names}"
