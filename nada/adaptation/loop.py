"""The loop: a frozen and a trainable copy of one generator, and a guide that says where the second should go.

Gal et al. 2021, "StyleGAN-NADA: CLIP-Guided Domain Adaptation of Image Generators", arXiv:2108.00946.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nada.adaptation.draw import Draw, Sampler
from nada.adaptation.graph import StaticStep
from nada.adaptation.precision import compute_in
from nada.adaptation.settings import Settings, resolve
from nada.adaptation.step import Step
from nada.adaptation.update import Update
from nada.clip import Guide
from nada.errors import NadaError
from nada.models import Generator, latents_from_seeds, with_weights
from nada.selection import Selection, choose_layers, select_parameters


class StepReport(NamedTuple):
    """What one step did. `scalars` are the guide's, as numbers; `chosen` the parameters that moved."""

    step: int
    loss: float
    scalars: dict[str, float]
    seconds: float
    chosen: frozenset[str]


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
        self.frozen = generator.eval().requires_grad_(False)
        self.guide = guide.to(self.device)
        self.trainable = copy.deepcopy(self.frozen)
        self.selection: Selection = select_parameters(self.trainable, self.settings.layers)
        parameters = dict(self.trainable.named_parameters())
        self.moving = {name: parameters[name] for name in self.selection.names}
        self._require_grad(frozenset(self.moving))
        self.rng = torch.Generator().manual_seed(self.settings.seed)
        self.step = 0
        self._sampler = Sampler(self.frozen, guide, self.settings, self.rng)
        self._update = Update(self.moving, self.settings, self.device)
        self._step = Step(self.frozen, self.trainable, guide, self.settings, self.selection, self._update)
        on_gpu = self.device.type == "cuda"
        self._static = self._static_allowed(on_gpu)
        # Draw the next step's inputs while the device works on this one's; adaptive layers are drawn for in between.
        self._looks_ahead = on_gpu and not self.selection.adaptive
        self._ahead: tuple[Draw, Tensor] | None = None
        self._launch: Callable[[Draw], Tensor] | None = None

    @property
    def device(self) -> torch.device:
        """Where both copies live."""
        return self.frozen.b4.const.device

    @property
    def at_once(self) -> int:
        """How many pictures the run computes at once; whoever looks at it should not need more memory than it does."""
        return -(-self.settings.batch // self.settings.accumulate)

    @torch.no_grad()
    def pictures(self, generator: Generator, z: Tensor, labels: Tensor | None) -> Tensor:
        """Return pictures `(N, C, H, W)` of a generator, in the type and in the portions that the run computes in."""
        with generator.computing(compute_in(self.settings.precision)):
            rows = range(0, len(z), self.at_once)
            parts = [(z[i : i + self.at_once], None if labels is None else labels[i : i + self.at_once]) for i in rows]
            return torch.cat([generator(*part) for part in parts])

    def source_pictures(self, count: int = 16) -> Tensor:
        """Return pictures `(count, C, H, W)` of the frozen copy for a guide with target pictures.

        They have latents of their own, so that drawing them does not move the run's random state.
        """
        z = latents_from_seeds(range(2000, 2000 + count), self.frozen.config.z_dim).to(self.device)
        classes = self.settings.classes or tuple(range(self.frozen.config.num_conditions))
        labels = [classes[index % len(classes)] for index in range(count)] if classes else None
        return self.pictures(self.frozen, z, None if labels is None else torch.tensor(labels, device=self.device))

    def _require_grad(self, names: frozenset[str]) -> None:
        for name, parameter in self.moving.items():
            parameter.requires_grad_(name in names)

    def _choose(self) -> frozenset[str]:
        """Return what may move in this step; an adaptive policy looks at fresh latents.

        They come from a stream of their own, so that all policies take their steps on the same draws and can be compared.
        """
        if not self.selection.adaptive:
            return frozenset(self.moving)
        count, sampler = self.settings.auto_batch, self._probe_sampler()
        labels = sampler.labels(count)
        labels = None if labels is None else labels.to(self.device)
        w = self.frozen.map_latents(sampler.latents(count).to(self.device), labels)
        noise = {name: value.to(self.device) for name, value in sampler.noise(count).items()}
        self._require_grad(frozenset())
        # Unscaled gradients are too small for fp16; the order of the layers is the same in any other type.
        precision = "fp32" if self.settings.precision == "fp16" else self.settings.precision
        with self.trainable.computing(compute_in(precision)):
            return choose_layers(self.selection, self.trainable, w, self.guide.target_loss, noise)

    def _probe_sampler(self) -> Sampler:
        """Draws what this step's layers are chosen by; it depends on seed and step alone, so that nothing is to be saved."""
        (own,) = np.random.SeedSequence([self.settings.seed % 2**64, self.step]).generate_state(1)
        return Sampler(self.frozen, self.guide, self.settings, torch.Generator().manual_seed(int(own)))

    def advance(self) -> StepReport:
        """Take one step.

        In fp16 a step whose gradients are too large for the type is taken again with a smaller loss scale.

        Raises:
            NadaError: if the loss or a gradient is not finite; the step is not taken and the state stays good.
            torch.OutOfMemoryError: if a GPU has too little memory; the same.
        """
        started = time.perf_counter()
        chosen = self._choose()
        self._require_grad(chosen)
        before, draw = self._rng_state(), self._draw()
        try:
            skipped, loss, *scalars = self._take(draw)
        except RuntimeError:  # such as too little memory: whoever goes on shall draw the same for this step
            self._ahead = None
            self.rng.set_state(before)
            raise
        while skipped:
            if not math.isfinite(loss):
                raise self._diverged("The loss")
            if not self._update.can_lower_scale:
                raise self._diverged("A gradient")
            skipped, loss, *scalars = self._take(draw)
        self.step += 1
        named = dict(zip(self._step.scalar_names, scalars, strict=True))
        return StepReport(self.step, loss, named, time.perf_counter() - started, chosen)

    def _take(self, draw: Draw) -> list[float]:
        """Take the step of a draw and wait for it, once."""
        if self._launch is None:
            self._launch = self._static_step(draw) if self._static else self._plain_step
        result = self._launch(draw)
        if self._looks_ahead and self._ahead is None:
            state = self.rng.get_state()
            self._ahead = self._sampler.draw(), state
        return result.tolist()

    def _plain_step(self, draw: Draw) -> Tensor:
        return self._step.take(draw.map(lambda tensor: tensor.to(self.device)).split(self.settings.accumulate))

    def _static_allowed(self, on_gpu: bool) -> bool:
        """Whether every step runs the same operations, so that one graph holds them all."""
        return on_gpu and self.settings.graph and not self.settings.mixing and not self.selection.adaptive

    def _static_step(self, draw: Draw) -> StaticStep:
        return StaticStep(self._step.take, self._update.tensors, draw, self.device, self.settings.accumulate)

    def _draw(self) -> Draw:
        if self._ahead is None:
            return self._sampler.draw()
        (draw, _), self._ahead = self._ahead, None
        return draw

    def _rng_state(self) -> Tensor:
        """The state that the next step is drawn from."""
        return self.rng.get_state() if self._ahead is None else self._ahead[1]

    def _diverged(self, what: str) -> NadaError:
        return NadaError(
            f"{what} became infinite or NaN at step {self.step + 1}; the weights of step {self.step} are kept. "
            f"Try a lower --lr (it was {self.settings.lr:g}), --precision fp32 or fewer --layers."
        )

    def weights(self) -> dict[str, Tensor]:
        """Return the adapted tensors by name: the average if one is kept, else the current ones (not copied)."""
        return self._update.average or {name: parameter.detach() for name, parameter in self.moving.items()}

    def adapted_generator(self) -> Generator:
        """Return a new generator with the adapted weights, without gradients."""
        return with_weights(self.frozen, self.weights())

    @torch.no_grad()
    def weight_changes(self) -> dict[str, float]:
        """Return how far each block has moved from the source: the norm of the change over the norm of the weights."""
        original = dict(self.frozen.named_parameters())
        blocks: dict[str, list[str]] = {}
        for name in self.moving:
            blocks.setdefault(name.split(".")[0], []).append(name)
        norm = torch.nn.utils.get_total_norm
        norms = [
            torch.stack([norm([self.moving[n] - original[n] for n in names]), norm([original[n] for n in names])])
            for names in blocks.values()
        ]
        return {block: change / max(whole, 1e-6) for block, (change, whole) in zip(blocks, torch.stack(norms).tolist())}

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides the steps to come; tensors and plain values only."""
        return {"step": self.step, **self._update.state_dict(), "rng": self._rng_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`'s value. Raises NadaError if it belongs to other layers."""
        if set(state["weights"]) != set(self.moving):
            raise NadaError("The saved state holds other layers than this run moves; resume with the same --layers.")
        self._update.load_state_dict(state)
        self.rng.set_state(state["rng"])
        self.step = state["step"]
        self._ahead = self._launch = None  # Adam's moments are new tensors now, which no captured step writes to
