"""Domains on a generator: one as it is, weaker or stronger, or several at once.

A blend is `base + sum(weight * (domain - base))`, tensor by tensor: linear interpolation of weights that share an
ancestor (Wang et al. 2019, "Deep Network Interpolation", arXiv:1811.10515), as StyleGAN-NADA interpolates between its
domains (arXiv:2108.00946, section 5).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nada.checkpoints import hash_generator, load_generator
from nada.checkpoints.loading import find_adaptation, read_base
from nada.domains.domain import Domain, check_domain, offsets_of, read_domain
from nada.errors import NadaError, UsageError
from nada.models import Generator, with_weights


@dataclass(frozen=True)
class Pair:
    """A generator before and after its adaptation; the same object twice, and no domain, where there was none."""

    source: Generator
    adapted: Generator
    spec: str
    domain: Domain | None


def load_pair(spec: str | Path, device: Any = "cpu") -> Pair:
    """Load the base and the adapted generator of a run or adaptation; of any other spec the one generator there is.

    Raises the errors of `nada.load_generator`, and NadaError if the base is not the one that was adapted.
    """
    if find_adaptation(spec) is None:
        generator = load_generator(spec, device)
        return Pair(generator, generator, str(spec), None)
    domain = read_domain(spec)
    source = read_base(domain.base, spec)
    adapted = blend(source, [(domain, 1.0)])
    return Pair(source.to(device), adapted.to(device), str(spec), domain)


def at_strength(pair: Pair, strength: float) -> Generator:
    """Return the pair's generator at a strength: 0 the source and 1 the adapted one (these very objects), else a blend.

    Values between are on the way, above 1 beyond the domain, below 0 away from it. Where there is no domain, the one
    generator there is comes back whatever the strength.

    Raises UsageError unless `strength` is a finite number.
    """
    _check_weights([strength])
    if pair.domain is None or strength == 0:
        return pair.source
    if strength == 1:
        return pair.adapted
    return with_weights(pair.source, combine(pair.source.state_dict(), [(pair.domain.tensors, strength)]))


def blend(base: Generator, parts: Sequence[tuple[Domain, float]], force: bool = False) -> Generator:
    """Return a copy of `base` with the domains added, each as much as its weight says.

    A tensor that a single domain of weight 1 moves is that domain's, bit for bit; one that none moves is the base's.

    >>> import nada, torch
    >>> base = nada.load_generator("demo")
    >>> brighter = {"b64.torgb.bias": base.b64.torgb.bias + 1}
    >>> domain = Domain("bright", brighter, "demo", hash_generator(base))
    >>> (blend(base, [(domain, 0.5)]).b64.torgb.bias - base.b64.torgb.bias).mean().item()
    0.5

    Args:
        parts: domains and finite weights; 1 is a domain as it is.
        force: also take domains of another base whose tensors fit: then what a domain added to its own base, which is
            loaded for that, is added to this one.

    Raises:
        UsageError: for a weight that is not finite.
        NadaError: if a domain was made from another base, or does not fit.
    """
    return Blender(base, [domain for domain, _ in parts], force).at([weight for _, weight in parts])


class Blender:
    """Blends of the same domains again and again, as a walk from one to another needs them.

    Raises the errors of `blend`.
    """

    def __init__(self, base: Generator, domains: Sequence[Domain], force: bool = False) -> None:
        self.base, self.domains = base, tuple(domains)
        digest = hash_generator(base) if domains else ""
        self._tensors = [_tensors_on(base, digest, domain, force) for domain in domains]

    def at(self, weights: Sequence[float]) -> Generator:
        """Return a new generator with the domains as strong as `weights` say, one for each."""
        return with_weights(self.base, self.tensors(weights))

    @torch.no_grad()
    def put(self, target: Generator, weights: Sequence[float]) -> None:
        """Write the blend into `target`, a copy of the base that nothing but this has changed."""
        values, own, start = self.tensors(weights), target.state_dict(), self.base.state_dict()
        for name in {name: None for tensors in self._tensors for name in tensors}:
            own[name].copy_(values.get(name, start[name]))

    def tensors(self, weights: Sequence[float]) -> dict[str, Tensor]:
        """Return only the tensors that are moved, on the base's device; those of the domains with weight 0 are left out."""
        _check_weights(weights)
        return combine(self.base.state_dict(), list(zip(self._tensors, weights, strict=True)))


def _tensors_on(base: Generator, digest: str, domain: Domain, force: bool) -> dict[str, Tensor]:
    """What the domain's tensors are on this base: its own ones, or on a sibling what it added to its own base."""
    device = base.b4.const.device
    if domain.base_sha256 == digest:
        check_domain(domain, base, "its base")
        return {name: value.to(device) for name, value in domain.tensors.items()}
    if not force:
        raise NadaError(
            f"the domain {domain.name!r} was made from another generator than this one (from {domain.base}; their hashes "
            "differ); give the one it was made from, or --force (force=True) for a sibling of it."
        )
    check_domain(domain, base, "the generator that it is forced onto")
    own = base.state_dict()
    return {name: own[name].double() + offset.to(device) for name, offset in offsets_of(domain).items()}


def combine(base: Mapping[str, Tensor], parts: Sequence[tuple[Mapping[str, Tensor], float]]) -> dict[str, Tensor]:
    """Return `base + sum(weight * (tensors - base))` for every tensor that some part with a weight moves.

    The sum is made in float64 and rounded once; the only part of a tensor, with weight 1, is taken as it is.
    """
    names = {name: None for tensors, weight in parts if weight for name in tensors}  # a set that keeps its order
    result = {}
    for name in names:
        moved = [(tensors[name], weight) for tensors, weight in parts if weight and name in tensors]
        if len(moved) == 1 and moved[0][1] == 1:
            result[name] = moved[0][0].to(base[name].dtype)
            continue
        start = base[name].double()
        total = start + sum(weight * (value.double() - start) for value, weight in moved)
        result[name] = total.to(base[name].dtype)
    return result


def _check_weights(weights: Sequence[float]) -> None:
    for weight in weights:
        if not math.isfinite(weight):
            raise UsageError(f"A weight or strength is a finite number such as 0.7, not {weight}.")
