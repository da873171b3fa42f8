"""From recipes to pixels: the generator at every strength, its conditions, mixed styles, offsets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from nada import ops
from nada.checkpoints import hash_generator
from nada.domains import Pair, at_strength, load_pair
from nada.errors import NadaError, UsageError
from nada.generation.blocks import block_rows, pictures_of, styles_of
from nada.generation.conditions import Chosen, Conditions
from nada.generation.recipe import Recipe, StyleMix, decode_offset
from nada.models import Compute, Generator, KeptWeights
from nada.precision import DTYPES, fast_precision

_KEPT = 8  # strengths whose generators stay in memory


def compute_of(precision: str) -> Compute:
    """How feature maps are computed for pictures: float32 as `Generator.sample` does, to the byte; 16 bits as is fast."""
    return Compute(DTYPES[precision], channels_last=precision != "fp32", kept=KeptWeights())


class Painter:
    """Paints recipes with one generator, or with an adaptation at any strength.

    Args:
        pair: as of `nada.domains.load_pair`.
        classes: which conditions `conditions.of` chooses from.
        precision: "fp32", "bf16", "fp16", or "auto" for what the device is fast with.
    """

    def __init__(self, pair: Pair, classes: Chosen = (), precision: str = "fp32") -> None:
        self.pair, self.spec = pair, pair.spec
        self.device = pair.adapted.b4.const.device
        self.precision = fast_precision(self.device) if precision == "auto" else precision
        if self.precision not in DTYPES:
            raise UsageError(f"--precision is auto or one of {', '.join(DTYPES)}, not {precision!r}.")
        if pair.adapted.config.image_channels not in (1, 3):
            raise NadaError(
                f"{pair.spec} makes pictures of {pair.adapted.config.image_channels} channels; "
                "only grey and colour can be written."
            )
        self.kernels = ops.describe(self.device.type)
        self.sha256 = hash_generator(pair.adapted)
        self.conditions = Conditions(pair.adapted, classes)
        self._made: dict[float, tuple[Generator, Compute]] = {}

    @property
    def generator(self) -> Generator:
        """The adapted generator, or the only one."""
        return self.pair.adapted

    @property
    def rows(self) -> int:
        """How many pictures are computed at once."""
        return block_rows(self.generator)

    def check_strength(self, strength: float | None) -> float | None:
        """The strength to note in a recipe: 1 if none is asked for, None where there is no adaptation.

        Raises UsageError where one is asked for all the same.
        """
        if self.pair.domain is not None:
            return 1.0 if strength is None else strength
        if strength not in (None, 1.0):
            raise UsageError(
                f"{self.spec} is a whole generator and no adaptation, so it has no source to go back to; strengths are "
                "for runs of nada adapt and their adaptation.safetensors."
            )
        return None

    def _at(self, strength: float | None) -> tuple[Generator, Compute]:
        """The generator at a strength, and how it computes; the last few stay in memory."""
        wanted = 1.0 if strength is None else float(strength)
        if wanted not in self._made:
            while len(self._made) >= _KEPT:
                self._made.pop(next(iter(self._made)))
            self._made[wanted] = at_strength(self.pair, wanted), compute_of(self.precision)
        return self._made[wanted]

    def styles(self, recipes: Sequence[Recipe]) -> Tensor:
        """Styles `(N, num_ws, w_dim)` of recipes with the same strength and truncation."""
        first = recipes[0]
        generator = self._at(first.strength)[0]
        own = self._mapped(generator, first, [recipe.seed for recipe in recipes], [recipe.condition for recipe in recipes])
        mixes = [recipe.mix or StyleMix(recipe.seed, recipe.condition, ()) for recipe in recipes]
        if any(mix.layers for mix in mixes):
            self._check_layers(mixes)
            other = self._mapped(generator, first, [mix.seed for mix in mixes], [mix.condition for mix in mixes])
            for row, mix in enumerate(mixes):
                own[row, list(mix.layers)] = other[row, list(mix.layers)]
        for row, recipe in enumerate(recipes):
            if recipe.offset:
                own[row] += self._offset(recipe.offset)
        return own

    def _check_layers(self, mixes: Sequence[StyleMix]) -> None:
        count = self.generator.num_ws
        if any(layer >= count for mix in mixes for layer in mix.layers):
            raise NadaError(f"The settings mix layers that {self.spec} does not have: its layers are 0 to {count - 1}.")

    def _mapped(self, generator: Generator, look: Recipe, seeds: list[int], names: list[str | None]) -> Tensor:
        labels = self.conditions.rows(names)
        return styles_of(generator, seeds, labels, look.truncation, look.truncation_cutoff, look.truncation_centre)

    def _offset(self, text: str) -> Tensor:
        offset = decode_offset(text)
        if len(offset) != self.generator.config.w_dim:
            raise NadaError(
                f"The settings have an offset of {len(offset)} numbers; {self.spec} needs {self.generator.config.w_dim}."
            )
        return torch.from_numpy(offset).to(self.device)

    def paint(self, recipes: Sequence[Recipe]) -> np.ndarray:
        """Return uint8 pictures `(N, H, W, 3)` of recipes that share everything but seed, condition, mix and offset."""
        look = recipes[0]
        seeds = [recipe.seed for recipe in recipes]
        with self.computing(look) as generator:
            return pictures_of(generator, self.styles(recipes), look.noise, seeds)

    @contextmanager
    def computing(self, look: Recipe, gradients: bool = False) -> Iterator[Generator]:
        """While open, the generator at a recipe's strength computes in this painter's precision; yields it.

        For `gradients` in float32 instead of float16, which loses those below 6e-8.
        """
        generator, compute = self._at(look.strength)
        if gradients and self.precision == "fp16":
            compute = compute_of("fp32")
        with generator.computing(compute):
            yield generator

    def headline(self) -> str:
        """One line for people: generator, device, kernels."""
        config = self.generator.config
        size = ", ".join(filter(None, (f"{config.resolution} px", config.describe_conditions())))
        return f"generator {self.spec} ({size}), {self.device} {self.precision}, {self.kernels}"


def load_painter(spec: str, classes: Chosen = (), device: str | torch.device = "cpu", precision: str = "fp32") -> Painter:
    """Load what `spec` names, with its base where it is an adaptation. Raises UsageError and NadaError."""
    return Painter(load_pair(spec, device), classes, precision)
