"""From a photograph's styles to its picture by an adapted generator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nada.domains import Blender, read_domain
from nada.domains.blending import combine
from nada.inversion.result import Inversion
from nada.inversion.starts import as_colour
from nada.models import Generator, with_weights
from nada.runs import slugify

AFTER = "after-"  # how the names of pictures in an adaptation begin


@dataclass(frozen=True)
class Route:
    """An adaptation on the way of every photograph.

    Attributes:
        name: for people: the target's words, as far as they are known, and the strength where it is not 1.
        tensors: the adapted tensors, on the generator's device, at full strength.
        strength: how much of it is shown.
    """

    name: str
    tensors: Mapping[str, Tensor]
    strength: float

    @property
    def file(self) -> str:
        """Name of the picture that it gives."""
        return f"{AFTER}{slugify(self.name)}.png"

    @property
    def in_mapping(self) -> bool:
        """Whether some of it is in the mapping network, which styles that have been found no longer pass."""
        return any(name.startswith("mapping.") for name in self.tensors)

    def generator(self, base: Generator, tuned: Mapping[str, Tensor] | None = None) -> Generator:
        """Return a copy of `base` with the adaptation, on top of a tuning of it where there is one."""
        parts = [(tuned, 1.0)] if tuned else []
        return with_weights(base, combine(base.state_dict(), [*parts, (self.tensors, self.strength)]))


def load_routes(specs: Sequence[str], generator: Generator, strength: float, force: bool = False) -> tuple[Route, ...]:
    """Read the adaptations `specs` for `generator`; of two with the same words the second is called so.

    Raises:
        UsageError: if a spec is nothing, or no adaptation, or the strength is not finite.
        NadaError: if one was made from another generator (`force` takes those whose tensors fit), or cannot be read.
    """
    routes: list[Route] = []
    for spec in specs:
        domain = read_domain(spec)
        blender = Blender(generator, [domain], force)
        blender.tensors([strength])  # is checked before anything is computed
        name = domain.name if strength == 1 else f"{domain.name} at {strength:g}"
        before = sum(slugify(route.name) == slugify(name) for route in routes)
        routes.append(Route(f"{name} ({before + 1})" if before else name, blender.tensors([1.0]), strength))
    return tuple(routes)


@torch.no_grad()
def picture_of(generator: Generator, inversion: Inversion, row: int = 0) -> Tensor:
    """Return what a generator makes of one inversion: `(1, 3, H, W)`, in float32."""
    device = generator.b4.const.device
    maps = None
    if inversion.noise is not None:
        maps = {name: value[row : row + 1].to(device) for name, value in inversion.noise.items()}
    return as_colour(generator.synthesize(inversion.w[row : row + 1].to(device), "const" if maps is None else maps))
