"""A domain: the tensors that an adaptation moved, and which generator it moved them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from nada.checkpoints import hash_generator
from nada.checkpoints.loading import find_adaptation, read_base
from nada.checkpoints.native import BASE_HASH, CONFIG, check_adapted, read_adaptation
from nada.errors import NadaError, UsageError
from nada.files import read_json
from nada.models import Generator


@dataclass(frozen=True)
class Domain:
    """The tensors of an adaptation, on the CPU.

    >>> import torch
    >>> Domain("logo", {"b64.conv1.bias": torch.zeros(64)}, "demo", "0" * 64).numbers
    64

    Attributes:
        name: for people: the target's words where they are known, else the name of the folder or file.
        tensors: the adapted values by their names in the generator, `b64.conv1.weight`.
        base: spec of the generator that was adapted.
        base_sha256: `hash_generator` of it.
        metadata: what the file says of itself: `layers`, `target`, for a mix its `parts`.
    """

    name: str
    tensors: Mapping[str, Tensor]
    base: str
    base_sha256: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def numbers(self) -> int:
        """How many numbers the domain is made of."""
        return sum(value.numel() for value in self.tensors.values())


def read_domain(spec: str | Path) -> Domain:
    """Read the domain of a run of `nada adapt`, of a mix, or of an `adaptation.safetensors`, whatever it is called.

    The base is not loaded.

    Raises:
        UsageError: if there is no such thing as `spec`, or it is a generator that is no adaptation of another one.
        NadaError: for a file that cannot be read or does not say what it was made from.
    """
    found = find_adaptation(spec)
    if found is None:
        raise UsageError(
            f"{spec} is a whole generator, not an adaptation of one; give a run folder of nada adapt, or the "
            "adaptation.safetensors inside."
        )
    file, base = found
    tensors, metadata = read_adaptation(file)
    digest = metadata.get(BASE_HASH)
    if not isinstance(digest, str) or not tensors:
        raise NadaError(f"{file} {'holds no tensors' if digest else 'does not say which base it needs'}; adapt anew.")
    return Domain(_name_of(file, metadata), tensors, base, digest, metadata)


def _name_of(file: Path, metadata: Mapping[str, str]) -> str:
    record = file.parent / CONFIG
    options = read_json(record).get("options") if record.is_file() else None
    target = options.get("target") if isinstance(options, dict) else None
    name = target or metadata.get("name") or metadata.get("target")
    if isinstance(name, str) and name.strip():
        return name
    return file.resolve().parent.name if record.is_file() else file.stem


def offsets_of(domain: Domain) -> dict[str, Tensor]:
    """Return what the domain adds to its own base, in float64: adapted minus base, by name. The base is loaded for it.

    Raises NadaError if the base cannot be loaded or has changed.
    """
    base = read_base(domain.base, domain.name)
    if hash_generator(base) != domain.base_sha256:
        raise NadaError(
            f"What {domain.name!r} changes cannot be told: {domain.base} is another generator now than the one it was "
            "made from; give that back."
        )
    check_domain(domain, base, domain.base)
    own = base.state_dict()
    return {name: value.double() - own[name].double() for name, value in domain.tensors.items()}


def check_domain(domain: Domain, generator: Generator, generator_name: str) -> None:
    """Raise NadaError unless `generator` has every tensor of the domain, in its shape, and all are finite."""
    check_adapted(domain.tensors, generator, f"the domain {domain.name!r}", generator_name)
