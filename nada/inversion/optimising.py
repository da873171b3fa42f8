"""The optimisation of styles and noise maps towards pictures, all rows at a time.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", arXiv:1912.04958, appendix D, with several
starts per picture of which the best goes on, and styles in whitened coordinates with a prior on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nada.errors import NadaError
from nada.inversion.noise import noise_autocorrelation, renormalise, stored_maps
from nada.inversion.perception import Perception
from nada.inversion.settings import Settings
from nada.inversion.starts import Starts, as_colour, rows_at_once
from nada.inversion.stepping import FALL, RowAdam, jitter_at, rate_at
from nada.inversion.styles import Styles
from nada.models import Generator

TRIAL = 0.1  # share of the steps after which the better half of a picture's starts goes on, until one is left
STYLES_FIRST = 0.5  # share of the steps before the maps move: what styles can show should not be put into them
MAPS_RATE = 0.25  # of the learning rate of styles
_SMOOTH = 0.9  # of the loss that plateaus are seen on
_GAIN = 0.01  # a loss that has not fallen by this share has gained nothing


class StepReport(NamedTuple):
    """What one step did: its number, the mean over pictures of their best loss so far, pictures still in work."""

    step: int
    loss: float
    left: int


class Found(NamedTuple):
    """The end of one picture's optimisation: styles `(L, w_dim)`, maps, the start's number, losses step by step."""

    w: Tensor
    noise: dict[str, Tensor] | None
    start: int
    losses: list[float]


class Optimisation:
    """All rows that are in work: some starts of some pictures.

    Args:
        pictures: `(N, 3, H, W)` in [-1, 1].
        starts: of `find_starts`.
        styles: coordinates of the generator's styles.
    """

    def __init__(
        self,
        generator: Generator,
        pictures: Tensor,
        perception: Perception,
        settings: Settings,
        starts: Starts,
        styles: Styles,
    ) -> None:
        self._generator, self._perception, self.settings, self._styles = generator, perception, settings, styles
        count, each = starts.w.shape[:2]
        device = pictures.device
        self._owner = torch.arange(count, device=device).repeat_interleave(each)
        self._start = torch.arange(each, device=device).repeat(count)
        with torch.no_grad():
            self._wanted = perception.vectors(pictures)[self._owner]
        self._targets = pictures[self._owner]
        labels = None if starts.labels is None else starts.labels.flatten()
        self._centres = styles.centres(labels, count * each)
        layers = generator.num_ws if settings.space == "w+" else 1
        p = styles.whiten(starts.w.flatten(0, 1)[:, None], self._centres).repeat(1, layers, 1)
        self._stored = stored_maps(generator, 1) if settings.noise == "optimised" else {}
        maps = {name: single.repeat(len(p), 1, 1, 1) for name, single in self._stored.items()}
        self._adam = RowAdam({"p": p, **maps})
        self._position = torch.zeros(len(p), dtype=torch.long, device=device)
        self._smooth = torch.full((len(p),), torch.inf, device=device)
        self._best, self._since = self._smooth.clone(), self._position.clone()
        self._losses: list[list[float]] = [[] for _ in range(len(p))]
        self._rng = torch.Generator().manual_seed(settings.seed)
        self.step = 0

    def run(self, on_step: Callable[[StepReport], None] | None = None) -> list[Found]:
        """Work on all pictures until their ends; returns them in order. Raises NadaError for a loss that is no number."""
        count = int(self._owner.max()) + 1
        found: dict[int, Found] = {}
        trial = max(1, round(TRIAL * self.settings.steps))
        while len(self._owner):
            losses = self._advance()
            if self.step % trial == 0 and len(self._owner) > count - len(found):
                self._choose()
            found |= self._take_finished()
            if on_step is not None:
                on_step(StepReport(self.step, losses, count - len(found)))
        return [found[index] for index in range(count)]

    def _advance(self) -> float:
        """One step of all rows; returns the mean over pictures of the best loss."""
        self.step += 1
        self._position += 1
        progress = self._position / self.settings.steps
        losses, gradients = self._differentiate(jitter_at(progress))
        if not bool(torch.isfinite(losses).all()):
            raise NadaError(f"The loss of an inversion is no number in step {self.step}; try a smaller learning rate.")
        rates = self.settings.lr * rate_at(progress)
        maps_rates = torch.where(progress > STYLES_FIRST, MAPS_RATE * rates, 0)
        self._adam.step(gradients, {name: rates if name == "p" else maps_rates for name in gradients})
        renormalise({name: self._adam.tensors[name] for name in self._stored}, self._stored)
        self._watch(losses)
        best = torch.full((int(self._owner.max()) + 1,), torch.inf, device=losses.device)
        best = best.scatter_reduce(0, self._owner, losses, "amin")
        return float(best[best.isfinite()].mean())

    def _differentiate(self, jitter: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The losses of all rows `(R,)` and their gradients, some rows at a time: memory knows no number of starts."""
        shape = self._adam.tensors["p"].shape
        draw = torch.randn(1, 1, shape[2], generator=self._rng).to(jitter.device)  # one for all: rows know no others
        offsets = self.settings.jitter * jitter[:, None, None] * draw
        losses, gradients = [], []
        for rows in torch.arange(shape[0], device=jitter.device).split(rows_at_once(self._generator)):
            leaves = {name: value[rows].requires_grad_(True) for name, value in self._adam.tensors.items()}
            some = self._loss(leaves, offsets[rows], rows)
            gradients.append(torch.autograd.grad(some.sum(), list(leaves.values())))
            losses.append(some.detach())
        joined = [torch.cat(parts) for parts in zip(*gradients)]
        return torch.cat(losses), dict(zip(self._adam.tensors, joined))

    def _loss(self, leaves: dict[str, Tensor], offsets: Tensor, rows: Tensor) -> Tensor:
        """The losses of some rows `(R,)`, whose styles are moved by `offsets`."""
        settings, p = self.settings, leaves["p"]
        maps = {name: leaves[name] for name in self._stored}
        w = self._styles.unwhiten(p + offsets, self._centres[rows]).expand(-1, self._generator.num_ws, -1)
        pictures = as_colour(self._generator.synthesize(w, maps or "const"))
        loss = (self._perception.vectors(pictures) - self._wanted[rows]).square().sum(dim=1)
        loss = loss + settings.pixels * (pictures - self._targets[rows]).square().mean(dim=(1, 2, 3))
        loss = loss + settings.prior * (p.square().mean(dim=2) - 1).clamp_min(0).mean(dim=1)
        if maps:
            loss = loss + settings.noise_regularisation * noise_autocorrelation(maps)
        return loss

    def _watch(self, losses: Tensor) -> None:
        """Note the losses; where nothing is gained any more, go on to the fall of the learning rate."""
        for row, loss in zip(self._losses, losses.tolist()):
            row.append(loss)
        self._smooth = torch.where(self._smooth.isinf(), losses, self._smooth.lerp(losses, 1 - _SMOOTH))
        better = self._smooth < (1 - _GAIN) * self._best
        self._best = torch.where(better, self._smooth, self._best)
        self._since = torch.where(better, 0, self._since + 1)
        fall = round((1 - FALL) * self.settings.steps)
        alone = self._owner.bincount()[self._owner] == 1  # rivals end together, so that they can be compared
        stuck = alone & (self._since >= self.settings.patience) & (self._position < fall)
        self._position = torch.where(stuck, fall, self._position)

    def _choose(self) -> None:
        """Keep the better half of the starts of every picture that has more than one."""
        better = []
        for owner in self._owner.unique().tolist():
            rows = (self._owner == owner).nonzero().flatten()
            order = self._smooth[rows].argsort(stable=True)
            better.append(rows[order[: (len(rows) + 1) // 2]])
        self._keep(torch.cat(better).sort().values)

    def _take_finished(self) -> dict[int, Found]:
        """Take out the rows that have come to their end; of several starts of a picture the best."""
        done = self._position >= self.settings.steps
        found = {}
        best_last = self._smooth.argsort(descending=True)
        for row in best_last[done[best_last]].tolist():
            tensors = {name: value[row] for name, value in self._adam.tensors.items()}
            w = self._styles.unwhiten(tensors.pop("p")[None], self._centres[row : row + 1])[0]
            w = w.expand(self._generator.num_ws, -1).clone()
            found[int(self._owner[row])] = Found(w, tensors or None, int(self._start[row]), self._losses[row])
        if found:
            self._keep((~done).nonzero().flatten())
        return found

    def _keep(self, rows: Tensor) -> None:
        self._adam.keep(rows)
        for name in ("_owner", "_start", "_wanted", "_targets", "_centres", "_position", "_smooth", "_best", "_since"):
            setattr(self, name, getattr(self, name)[rows])
        self._losses = [self._losses[row] for row in rows.tolist()]
