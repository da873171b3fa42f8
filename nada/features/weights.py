"""Files of weights: fetched, read without running anything in them, and fitted to a network, each with one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nada.clip.archives import is_torchscript
from nada.clip.registry import short
from nada.errors import NadaError
from nada.files import hash_file


@dataclass(frozen=True)
class Weights:
    """What a file holds: tensors by name, and the checksum by which results can be compared."""

    path: Path
    sha256: str
    tensors: Mapping[str, Tensor]


def read_weights(path: Path, what: str) -> Weights:
    """Read a state dict, as torch.save or safetensors wrote it, to the CPU; no code in the file is run.

    `what` says in messages what the file should hold. Raises NadaError, one sentence, for all that can be wrong.
    """
    if not path.is_file():
        raise NadaError(f"The file {path} with {what} does not exist; check the path.")
    digest = hash_file(path)
    if is_torchscript(path):
        raise NadaError(f"{path} is a TorchScript program, not {what}; give a state dict as torch.save writes it.")
    try:
        content = _load(path)
    except Exception as error:  # torch, safetensors, pickle and zip errors have no common ancestor
        reason = short(error).split(". ")[0]
        raise NadaError(f"{path} cannot be read as {what} ({reason}); download or copy it again.") from error
    if (
        not isinstance(content, dict)
        or not content
        or not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items())
    ):
        raise NadaError(f"{path} does not hold {what}: it is no plain state dict; save the network's state_dict().")
    return Weights(path, digest, content)


def _load(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def fit(build: Callable[[], nn.Module], weights: Weights, what: str, ignore: tuple[str, ...] = ()) -> nn.Module:
    """Build a network and give it the weights, each tensor exactly once: frozen, in eval mode, fp32.

    Args:
        build: makes the network; it is called without memory for its parameters.
        what: stands in messages for what the file should hold.
        ignore: beginnings of names that the file may have and the network has not.

    Raises:
        NadaError: naming the first tensor that is missing, of another shape, unknown, NaN or infinite.
    """
    with torch.device("meta"):
        network = build()
    wanted = network.state_dict()
    # Files from before torch 0.4.1 do not count batches, and evaluation has no use for the count.
    given = {name: tensor for name, tensor in weights.tensors.items() if not name.endswith("num_batches_tracked")}
    counts = {name: torch.zeros((), dtype=torch.long) for name in wanted if name.endswith("num_batches_tracked")}
    if fault := _misfit(wanted.keys() - counts.keys(), wanted, given, ignore):
        raise NadaError(f"{weights.path} does not hold {what}: {fault}; give the file that this network was saved to.")
    chosen = {name: given[name].float() for name in wanted if name not in counts}
    if bad := next((name for name, tensor in chosen.items() if not bool(torch.isfinite(tensor).all())), None):
        raise NadaError(f"{weights.path} holds NaN or infinite weights in {bad}; download or copy it again.")
    network.load_state_dict({**chosen, **counts}, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def _misfit(names: set[str], wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], ignore: tuple[str, ...]) -> str:
    """What is wrong with the names and shapes that the file has, as a clause; "" if nothing is."""
    for name in sorted(names):
        if name not in given:
            return f"it has no {name}"
        if given[name].shape != wanted[name].shape:
            return f"{name} has the shape {tuple(given[name].shape)} instead of {tuple(wanted[name].shape)}"
        if not given[name].is_floating_point():
            return f"{name} is of type {str(given[name].dtype).removeprefix('torch.')}"
    unknown = sorted(name for name in given.keys() - names if not name.startswith(ignore or ("\0",)))
    return f"it has {unknown[0]}, which the network has not" if unknown else ""
