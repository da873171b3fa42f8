"""Captions as conditions: every one is read by the guide once, and what it read stays in the run folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nada.checkpoints.native import read_tensors
from nada.clip import load_encoder
from nada.errors import NadaError
from nada.files import write_bytes

FILE = "captions.safetensors"
MOST_PROMPTS = 64
_AT_ONCE = 256


@dataclass(frozen=True)
class Captions:
    """Different captions and their embeddings `(N, D)`, float32 and of unit length; `guide` has read them."""

    texts: tuple[str, ...]
    embeddings: np.ndarray
    guide: str

    @property
    def width(self) -> int:
        """The length D of an embedding."""
        return self.embeddings.shape[1]

    def of(self, texts: Sequence[str]) -> np.ndarray:
        """The embeddings `(len(texts), D)` of captions that are among these."""
        places = {text: index for index, text in enumerate(self.texts)}
        return self.embeddings[[places[text] for text in texts]]

    def save(self, folder: Path) -> None:
        """Keep the embeddings in a run folder, under the hash of the captions."""
        from safetensors.torch import save

        metadata = {"nada": json.dumps({"guide": self.guide, "captions_sha256": _digest(self.texts)})}
        write_bytes(folder / FILE, save({"embeddings": torch.from_numpy(self.embeddings)}, metadata=metadata))


def different(texts: Sequence[str]) -> tuple[str, ...]:
    """Every caption once, in the order of their first appearance."""
    return tuple(dict.fromkeys(texts))


def some_prompts(texts: Sequence[str]) -> tuple[str, ...]:
    """At most 64 different captions, spread evenly over the data: what grids show, and numbers stand for."""
    every = different(texts)
    places = np.linspace(0, len(every) - 1, min(len(every), MOST_PROMPTS)).round().astype(int)
    return tuple(every[place] for place in places)


@torch.no_grad()
def read_captions(texts: Sequence[str], guide: str, device: torch.device) -> Captions:
    """Have the guide `guide` (any SPEC) read every different caption. Raises the errors of `nada.clip.load_encoder`."""
    every = different(texts)
    encoder = load_encoder(guide, device)
    parts = [encoder.encode_text(list(every[start : start + _AT_ONCE])) for start in range(0, len(every), _AT_ONCE)]
    return Captions(every, torch.cat(parts).float().cpu().numpy(), guide)


def kept_captions(folder: Path, texts: Sequence[str]) -> Captions:
    """What `Captions.save` kept in a run folder. Raises NadaError where it is of other captions."""
    every = different(texts)
    tensors, stored = read_tensors(folder / FILE)
    described = json.loads(stored.get("nada", "{}"))
    if described.get("captions_sha256") != _digest(every):
        raise NadaError(f"the captions are not those that {folder} was trained on; name the right data with --data.")
    return Captions(every, tensors["embeddings"].numpy(), described["guide"])


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
