"""The loop: a frozen and a trainable copy of one generator, and a guide that says where the second should go.

Gal et al. 2021, "StyleGAN-NADA: CLIP-Guided Domain Adaptation of Image Generators", arXiv:2108.00946.
"""

from __future__ import annotations

import copy
import time
from contextlib import nullcontext
from typing import Any, ContextManager, NamedTuple

import torch
from torch import Tensor

from nada.adaptation.settings import BETAS, Settings, resolve
from nada.clip import Guide
from nada.errors import NadaError
from nada.models import Generator, Noise, latents_from_seeds, mix_styles
from nada.selection import Selection, choose_layers, first_moving_block, select_parameters

_FP16_SCALE = 1024.0  # lifts gradients out of fp16's subnormal range; exact, being a power of two


class StepReport(NamedTuple):
    """What one step did. `scalars` are the guide's, as numbers; `chosen` the parameters that moved."""

    step: int
    loss: float
    scalars: dict[str, float]
    seconds: float
    chosen: frozenset[str]


class _Draw(NamedTuple):
    """The random inputs of a step: one latent per style source, labels, a crossover and noise for each copy."""

    latents: list[Tensor]
    labels: Tensor | None
    crossovers: tuple[int, int]
    noises: tuple[dict[str, Tensor], dict[str, Tensor]]


class Adaptation:
    """One adaptation, a step at a time; `state_dict` and `load_state_dict` continue it exactly.

    All randomness comes from one generator seeded by `settings.seed`: global random state is neither read nor changed.

    Attributes:
        frozen: the source generator; it is never changed.
        trainable: the copy that moves. Only parameters named in `selection.names` ever differ from `frozen`.
        step: how many steps have been taken.
    """

    def __init__(self, generator: Generator, guide: Guide, settings: Settings) -> None:
        self.settings = resolve(settings, generator.config)
        self.guide = guide
        self.frozen = generator.eval().requires_grad_(False)
        self.trainable = copy.deepcopy(self.frozen)
        self.selection: Selection = select_parameters(self.trainable, self.settings.layers)
        parameters = dict(self.trainable.named_parameters())
        self.moving = {name: parameters[name] for name in self.selection.names}
        self._require_grad(frozenset(self.moving))
        self.optimizer = torch.optim.Adam(self.moving.values(), lr=self.settings.lr, betas=BETAS)
        self.average = {name: p.detach().clone() for name, p in self.moving.items()} if self.settings.ema else {}
        self.rng = torch.Generator().manual_seed(self.settings.seed)
        self.step = 0
        self._split = first_moving_block(self.trainable, self.selection) if settings.noise == "shared" else None

    @property
    def device(self) -> torch.device:
        """Where both copies live."""
        return self.frozen.b4.const.device

    @torch.no_grad()
    def source_pictures(self, count: int = 16) -> Tensor:
        """Return pictures `(count, C, H, W)` of the frozen copy for a guide with target pictures.

        They have latents of their own, so that drawing them does not move the run's random state.
        """
        z = latents_from_seeds(range(2000, 2000 + count), self.frozen.config.z_dim).to(self.device)
        classes = self.settings.classes or tuple(range(self.frozen.config.num_classes))
        labels = [classes[index % len(classes)] for index in range(count)] if classes else None
        return self.frozen(z, None if labels is None else torch.tensor(labels, device=self.device))

    def _require_grad(self, names: frozenset[str]) -> None:
        for name, parameter in self.moving.items():
            parameter.requires_grad_(name in names)

    def _draw(self) -> _Draw:
        settings, config = self.settings, self.frozen.config
        mixed = bool(torch.rand([], generator=self.rng) < settings.mixing)
        latents = [self._latents(settings.batch) for _ in range(2 if mixed else 1)]
        first, second = (self._crossover() if mixed else 0 for _ in range(2))
        noise = self.frozen.make_noise(settings.batch, self.rng)
        other = noise if settings.noise == "shared" else self.frozen.make_noise(settings.batch, self.rng)
        labels = self._labels(settings.batch) if config.num_classes else None
        return _Draw(latents, labels, (first, first if settings.paired else second), (noise, other))

    def _latents(self, count: int) -> Tensor:
        return torch.randn(count, self.frozen.config.z_dim, generator=self.rng).to(self.device)

    def _labels(self, count: int) -> Tensor:
        classes = self.settings.classes or tuple(range(self.frozen.config.num_classes))
        index = torch.randint(len(classes), (count,), generator=self.rng)
        return torch.tensor(classes)[index].to(self.device)

    def _crossover(self) -> int:
        return int(torch.randint(1, self.frozen.num_ws, [], generator=self.rng))

    def _styles(self, generator: Generator, draw: _Draw, crossover: int) -> Tensor:
        styles = [generator.map_latents(z, draw.labels) for z in draw.latents]
        return styles[0] if len(styles) == 1 else mix_styles(*styles, crossover)

    def _autocast(self) -> ContextManager[object]:
        if self.settings.precision == "fp32":
            return nullcontext()
        dtype = torch.bfloat16 if self.settings.precision == "bf16" else torch.float16
        return torch.autocast(self.device.type, dtype)

    def _pictures(self, draw: _Draw) -> tuple[Tensor, Tensor]:
        """Return the pictures of both copies; what both compute alike, before the first moving block, is done once."""
        (frozen_cross, trainable_cross), (frozen_noise, trainable_noise) = draw.crossovers, draw.noises
        with self._autocast():
            with torch.no_grad():
                w = self._styles(self.frozen, draw, frozen_cross)
                if self._split is not None:
                    features = self.frozen.synthesize_until(w, self._split, frozen_noise)
                    source = self.frozen.synthesize_from(features, w, self._split, frozen_noise)
                else:
                    source = self.frozen.synthesize(w, frozen_noise)
            if self._split is not None and frozen_cross == trainable_cross:
                adapted = self.trainable.synthesize_from(features, w, self._split, trainable_noise)
            else:
                adapted = self._adapted(draw, trainable_cross, trainable_noise)
        return source.float(), adapted.float()

    def _adapted(self, draw: _Draw, crossover: int, noise: Noise) -> Tensor:
        return self.trainable.synthesize(self._styles(self.trainable, draw, crossover), noise)

    def _choose(self) -> frozenset[str]:
        """Return what may move in this step; an adaptive policy looks at fresh latents."""
        if not self.selection.adaptive:
            return frozenset(self.moving)
        count = self.settings.auto_batch
        labels = self._labels(count) if self.frozen.config.num_classes else None
        w = self.frozen.map_latents(self._latents(count), labels)
        noise = self.frozen.make_noise(count, self.rng)
        self._require_grad(frozenset())
        return choose_layers(self.selection, self.trainable, w, self.guide.target_loss, noise)

    def advance(self) -> StepReport:
        """Take one step.

        Raises:
            NadaError: if the loss or a gradient is not finite; the step is not taken and the state stays good.
        """
        started = time.perf_counter()
        chosen = self._choose()
        self._require_grad(chosen)
        source, adapted = self._pictures(self._draw())
        result = self.guide.loss(source, adapted, self.rng)
        self._backward(result.total, chosen)
        self.optimizer.step()
        self._update_average()
        self.step += 1
        scalars = {name: float(value) for name, value in result.scalars.items()}
        return StepReport(self.step, result.total.item(), scalars, time.perf_counter() - started, chosen)

    def _backward(self, loss: Tensor, chosen: frozenset[str]) -> None:
        self.optimizer.zero_grad(set_to_none=not self.settings.idle_decay)
        if not torch.isfinite(loss):
            raise self._diverged("The loss")
        scale = _FP16_SCALE if self.settings.precision == "fp16" else 1.0
        (loss * scale).backward()
        gradients = [self.moving[name].grad for name in sorted(chosen) if self.moving[name].grad is not None]
        if scale != 1.0:
            torch._foreach_div_(gradients, scale)
        if not torch.isfinite(torch.stack(torch._foreach_norm(gradients))).all():
            raise self._diverged("A gradient")

    def _diverged(self, what: str) -> NadaError:
        return NadaError(
            f"{what} became infinite or NaN at step {self.step + 1}; the weights of step {self.step} are kept. "
            f"Try a lower --lr (it was {self.settings.lr:g}), --precision fp32 or fewer --layers."
        )

    @torch.no_grad()
    def _update_average(self) -> None:
        for name, shadow in self.average.items():
            shadow.lerp_(self.moving[name], 1.0 - self.settings.ema)

    def weights(self) -> dict[str, Tensor]:
        """Return the adapted tensors by name: the average if one is kept, else the current ones (not copied)."""
        return self.average or {name: parameter.detach() for name, parameter in self.moving.items()}

    def adapted_generator(self) -> Generator:
        """Return a new generator with the adapted weights, without gradients."""
        return with_weights(self.frozen, self.weights())

    @torch.no_grad()
    def weight_changes(self) -> dict[str, float]:
        """Return how far each block has moved from the source: the norm of the change over the norm of the weights."""
        original = dict(self.frozen.named_parameters())
        moved: dict[str, list[float]] = {}
        for name, value in self.moving.items():
            sums = moved.setdefault(name.split(".")[0], [0.0, 0.0])
            sums[0] += float((value - original[name]).square().sum())
            sums[1] += float(original[name].square().sum())
        return {block: (change / max(norm, 1e-12)) ** 0.5 for block, (change, norm) in moved.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides the steps to come; tensors and plain values only."""
        return {
            "step": self.step,
            "weights": {name: parameter.detach().clone() for name, parameter in self.moving.items()},
            "average": {name: value.clone() for name, value in self.average.items()},
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
            "rng": self.rng.get_state(),
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`'s value. Raises NadaError if it belongs to other layers."""
        if set(state["weights"]) != set(self.moving):
            raise NadaError("The saved state holds other layers than this run moves; resume with the same --layers.")
        for name, value in state["weights"].items():
            self.moving[name].copy_(value)
        for name, value in state["average"].items():
            self.average[name].copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        if self.settings.idle_decay:  # layers that have moved before are stepped with zero gradients from then on
            for parameter in self.optimizer.state:
                parameter.grad = torch.zeros_like(parameter)
        self.rng.set_state(state["rng"])
        self.step = state["step"]


def with_weights(generator: Generator, tensors: dict[str, Tensor]) -> Generator:
    """Return a copy of `generator` with some parameters replaced; `generator` stays as it is."""
    result = copy.deepcopy(generator).requires_grad_(False)
    parameters = dict(result.named_parameters())
    for name, value in tensors.items():
        parameters[name].copy_(value)
    return result
