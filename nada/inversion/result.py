"""What an inversion found, and the file that it is kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nada.checkpoints.native import read_tensors
from nada.errors import NadaError
from nada.files import write_bytes
from nada.images import from_uint8, to_uint8

FORMAT = "nada-inversion-1"
FILE = "inversion.safetensors"


class Inversion(NamedTuple):
    """Styles whose pictures look like those that were given.

    Attributes:
        w: `(N, num_ws, w_dim)`, as `Generator.synthesize` takes them.
        noise: maps `(N, 1, s, s)` by convolution, as `synthesize` takes them; None for the stored ones.
        pictures: the reconstructions `(N, 3, H, W)` in [-1, 1].
        losses: of every picture, step by step.
        classes: the number of each picture's class or known prompt; None for an unconditional generator.
        space: "w" or "w+".
    """

    w: Tensor
    noise: dict[str, Tensor] | None
    pictures: Tensor
    losses: list[list[float]]
    classes: tuple[int, ...] | None
    space: str

    def one(self, row: int) -> Inversion:
        """The inversion of one picture alone, still with a first dimension."""
        rows = slice(row, row + 1)
        noise = None if self.noise is None else {name: maps[rows] for name, maps in self.noise.items()}
        classes = None if self.classes is None else self.classes[rows]
        return Inversion(self.w[rows], noise, self.pictures[rows], self.losses[rows], classes, self.space)


def save_inversion(path: str | Path, inversion: Inversion, metadata: Mapping[str, Any] | None = None) -> Path:
    """Write an inversion as a safetensors file that `load_inversion` reads; equal inversions give equal bytes.

    Args:
        metadata: anything for JSON, such as the generator's hash and the settings.

    Raises:
        NadaError: if the place cannot be written.
    """
    from safetensors.torch import save

    tensors = {"w": inversion.w, "pictures": torch.from_numpy(to_uint8(inversion.pictures))}
    tensors |= {f"noise.{name}": value for name, value in (inversion.noise or {}).items()}
    tensors |= {f"losses.{row}": torch.tensor(losses) for row, losses in enumerate(inversion.losses)}
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    facts = {"format": FORMAT, "space": inversion.space, "classes": inversion.classes, "metadata": dict(metadata or {})}
    return write_bytes(path, save(plain, metadata={"nada": json.dumps(facts, sort_keys=True)}))


def load_inversion(path: str | Path) -> Inversion:
    """Read what `save_inversion` wrote, or what `nada invert` wrote for one photograph, on the CPU.

    Args:
        path: the file, or the folder that it is in. Its `pictures` have been rounded to 8 bits.

    >>> from tempfile import TemporaryDirectory
    >>> some = Inversion(torch.zeros(1, 8, 128), None, torch.ones(1, 3, 32, 32), [[0.5, 0.25]], (3,), "w+")
    >>> with TemporaryDirectory() as folder:
    ...     same = load_inversion(save_inversion(f"{folder}/inversion.safetensors", some))
    >>> same.classes, same.losses, torch.equal(same.w, some.w), torch.equal(same.pictures, some.pictures)
    ((3,), [[0.5, 0.25]], True, True)

    Raises:
        NadaError: naming the file where it is missing, damaged or something else.
    """
    path = Path(path) / FILE if Path(path).is_dir() else Path(path)
    tensors, facts = _read(path)
    noise = {name.removeprefix("noise."): value for name, value in tensors.items() if name.startswith("noise.")}
    losses = [tensors[f"losses.{row}"].tolist() for row in range(len(tensors["w"]))]
    classes = facts["classes"]
    pictures = from_uint8(tensors["pictures"].numpy())
    return Inversion(tensors["w"], noise or None, pictures, losses, classes and tuple(classes), facts["space"])


def read_facts(path: Path) -> dict[str, Any]:
    """The metadata that `save_inversion` was given. Raises NadaError as `load_inversion`."""
    return _read(path)[1]["metadata"]


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors, stored = read_tensors(path)
    try:
        facts = json.loads(stored.get("nada", ""))
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT or "w" not in tensors:
        raise NadaError(f"{path} is no inversion; give the {FILE} that nada invert wrote for a photograph.")
    return tensors, facts
