"""The random inputs of a step, drawn on the CPU in one fixed order, so that they are the same on every device."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nada.adaptation.settings import Settings
from nada.clip import Guide
from nada.clip.augment import View, Views
from nada.models import Generator


class Draw(NamedTuple):
    """What a step needs of chance; the first dimension of every tensor is the batch.

    Attributes:
        latents: `(N, z_dim)`, one per style source: two where styles are mixed.
        labels: rows `(N, condition_dim)`, one-hot for classes and embeddings for text, None without conditions. Rows,
            since checking numbers would wait for a GPU.
        crossovers: where the second style takes over in the frozen and in the trainable copy.
        noises: per-layer noise of the two copies; the same tensors where they share it.
        views: what the guide's augmentation drew.
    """

    latents: tuple[Tensor, ...]
    labels: Tensor | None
    crossovers: tuple[int, int]
    noises: tuple[dict[str, Tensor], dict[str, Tensor]]
    views: Views

    @property
    def count(self) -> int:
        """How many pictures this is for."""
        return len(self.latents[0])

    def map(self, change: Callable[[Tensor], Tensor]) -> Draw:
        """Return the draw with every tensor changed, once each: what the copies share stays shared."""
        changed: dict[int, Tensor] = {}

        def once(tensor: Tensor) -> Tensor:
            if id(tensor) not in changed:
                changed[id(tensor)] = change(tensor)
            return changed[id(tensor)]

        frozen, trainable = ({name: once(value) for name, value in noise.items()} for noise in self.noises)
        return self._replace(
            latents=tuple(map(once, self.latents)),
            labels=None if self.labels is None else once(self.labels),
            noises=(frozen, trainable),
            views=[(View(*map(once, before)), View(*map(once, after))) for before, after in self.views],
        )

    def tensors(self) -> list[Tensor]:
        """Return every tensor once, in the order in which `map` comes to them."""
        found: list[Tensor] = []
        self.map(lambda tensor: found.append(tensor) or tensor)
        return found

    def split(self, parts: int) -> list[Draw]:
        """Return the draw in `parts` parts of nearly equal size, one behind the other."""
        return [self.map(lambda tensor, index=index: tensor.tensor_split(parts)[index]) for index in range(parts)]


class Sampler:
    """Draws from `rng`, a CPU generator, what the steps of one adaptation need; on the CPU."""

    def __init__(self, generator: Generator, guide: Guide, settings: Settings, rng: torch.Generator) -> None:
        self._generator, self._guide, self._settings, self._rng = generator, guide, settings, rng
        config = generator.config
        self._classes = torch.tensor(settings.classes or range(config.num_conditions), dtype=torch.long)
        known = generator.known_conditions
        self._known = None if known is None else known.cpu()
        self._picture = (config.image_channels, config.resolution, config.resolution)

    def draw(self) -> Draw:
        """Draw for one step. The order of the draws is part of what a seed means; it must not change."""
        settings, batch = self._settings, self._settings.batch
        mixed = bool(torch.rand([], generator=self._rng) < settings.mixing)
        latents = tuple(self.latents(batch) for _ in range(2 if mixed else 1))
        first, second = (self._crossover() if mixed else 0 for _ in range(2))
        noise = self.noise(batch)
        other = noise if settings.noise == "shared" else self.noise(batch)
        labels = self.labels(batch)
        views = self._guide.draw_views((batch, *self._picture), "cpu", self._rng)
        return Draw(latents, labels, (first, first if settings.paired else second), (noise, other), views)

    def latents(self, count: int) -> Tensor:
        """Draw `(count, z_dim)` latents."""
        return torch.randn(count, self._generator.config.z_dim, generator=self._rng)

    def labels(self, count: int) -> Tensor | None:
        """Draw rows `(count, condition_dim)`, uniform over the classes or prompts that are wanted; None without any."""
        if self._known is None or not len(self._classes):
            return None
        index = torch.randint(len(self._classes), (count,), generator=self._rng)
        return self._known[self._classes[index]]

    def noise(self, count: int) -> dict[str, Tensor]:
        """Draw noise for every convolution."""
        return self._generator.make_noise(count, self._rng, device="cpu")

    def _crossover(self) -> int:
        return int(torch.randint(1, self._generator.num_ws, [], generator=self._rng))
