"""One step as a pure function of what was drawn: pictures of both copies, the guide's loss, gradients, the update.

Nothing in here waits for the device, and with equal sizes every step runs the same operations on the same memory, so
that all of it can be captured as one CUDA graph.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nada.adaptation.draw import Draw
from nada.adaptation.precision import compute_in
from nada.adaptation.settings import Settings
from nada.adaptation.update import Update
from nada.clip import Guide
from nada.models import Generator, KeptWeights, mix_styles
from nada.selection import Selection, first_moving_block


class Step:
    """The frozen and the trainable copy, a guide, and the update of the second by what the guide says.

    Attributes:
        scalar_names: what the guide measured in the last step, in the order of what `take` returns.
    """

    def __init__(
        self,
        frozen: Generator,
        trainable: Generator,
        guide: Guide,
        settings: Settings,
        selection: Selection,
        update: Update,
    ) -> None:
        self.frozen, self.trainable, self.guide, self.update = frozen, trainable, guide, update
        self.scalar_names: tuple[str, ...] = ()
        self._computes = (
            compute_in(settings.precision, kept=KeptWeights()),  # the frozen copy's never change
            compute_in(settings.precision, settings.checkpointing),
        )
        # What both copies compute alike is computed once: styles unless the mapping moves or crossovers differ, and
        # with equal noise all blocks before the first that moves. (The two halves of the guide's work are no such
        # thing: in one batch the frozen half would go through the backward pass as well.)
        first = first_moving_block(trainable, selection)
        self._one_style = first is not None and (settings.paired or not settings.mixing)
        self._split = first if self._one_style and settings.noise == "shared" else None

    def pictures(self, draw: Draw) -> tuple[Tensor, Tensor]:
        """Return the pictures `(N, C, H, W)` of the frozen and of the trainable copy; gradients reach the second."""
        (frozen_cross, trainable_cross), (frozen_noise, trainable_noise) = draw.crossovers, draw.noises
        with self.frozen.computing(self._computes[0]), self.trainable.computing(self._computes[1]):
            with torch.no_grad():
                w = _styles(self.frozen, draw, frozen_cross)
                if self._split is None:
                    source = self.frozen.synthesize(w, frozen_noise)
                else:
                    features = self.frozen.synthesize_until(w, self._split, frozen_noise)
                    source = self.frozen.synthesize_from(features, w, self._split, frozen_noise)
            if self._split is not None:
                return source, self.trainable.synthesize_from(features, w, self._split, trainable_noise)
            if not self._one_style:
                w = _styles(self.trainable, draw, trainable_cross)
            return source, self.trainable.synthesize(w, trainable_noise)

    def take(self, parts: Sequence[Draw]) -> Tensor:
        """Take a step on a batch that may come in parts, whose gradients add up to those of the whole.

        Returns a vector on the device: 1.0 if something was not finite and nothing has moved, else 0.0; the loss; the
        guide's scalars.
        """
        self.update.clear()
        count = sum(part.count for part in parts)
        measures = [self._backward(part, part.count / count) for part in parts]
        total = torch.stack(measures).sum(dim=0) if len(parts) > 1 else measures[0]
        return torch.cat([self.update.apply(total[0]).reshape(1), total])

    def _backward(self, part: Draw, share: float) -> Tensor:
        result = self.guide.loss(*self.pictures(part), None, part.views)
        loss = result.total * share
        self.update.scaled(loss).backward()
        self.scalar_names = tuple(result.scalars)
        return torch.stack([loss.detach(), *(value * share for value in result.scalars.values())])


def _styles(generator: Generator, draw: Draw, crossover: int) -> Tensor:
    styles = [generator.map_latents(z, draw.labels) for z in draw.latents]
    return styles[0] if len(styles) == 1 else mix_styles(*styles, crossover)
