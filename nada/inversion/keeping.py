"""The folder of one photograph: what has been found for it, kept until it is asked for with other settings."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from nada.checkpoints.native import ADAPTATION, BASE_HASH, read_adaptation, save_adaptation
from nada.errors import NadaError
from nada.files import write_bytes
from nada.images import save_png, to_uint8
from nada.inversion.plan import Plan, key_of
from nada.inversion.result import FILE, Inversion, load_inversion, read_facts, save_inversion
from nada.inversion.through import AFTER
from nada.runs import slugify

PHOTO, RECONSTRUCTION, TUNED, STYLES = "photo.png", "reconstruction.png", "tuned.png", "projected_w.npz"
_KEY = "key"


@dataclass(frozen=True)
class Place:
    """Where the results of the photograph `index` of a plan lie."""

    plan: Plan
    index: int
    folder: Path

    @property
    def name(self) -> str:
        """What the folder is called."""
        return self.folder.name

    def kept(self) -> Inversion | None:
        """The inversion, if it is there and was made as the plan would; None otherwise. Raises NadaError if damaged."""
        if self._stored_key() != key_of(self.plan.facts(self.index)):
            return None
        return load_inversion(self.folder / FILE)

    def is_foreign(self) -> bool:
        """Whether an inversion with other settings, or of another photograph, is there."""
        return self._stored_key() not in (None, key_of(self.plan.facts(self.index)))

    def _stored_key(self) -> str | None:
        path = self.folder / FILE
        return read_facts(path).get(_KEY) if path.is_file() else None

    def keep(self, inversion: Inversion) -> None:
        """Write everything that has been found; the file by which it counts as finished comes last.

        What was made from an older inversion is removed before: it would pass for being of this one.
        """
        for path in (self.folder / ADAPTATION, self.folder / TUNED, *self.folder.glob(f"{AFTER}*.png")):
            path.unlink(missing_ok=True)
        facts = self.plan.facts(self.index)
        text = {"nada": json.dumps(facts)}
        save_png(self.folder / PHOTO, self.plan.photos.pixels[self.index], text)
        save_png(self.folder / RECONSTRUCTION, to_uint8(inversion.pictures)[0], text)
        buffer = io.BytesIO()
        np.savez(buffer, w=inversion.w.cpu().numpy())  # as NVIDIA's projector.py, for generate.py --projected-w
        write_bytes(self.folder / STYLES, buffer.getvalue())
        path = self.plan.photos.paths[self.index].name
        save_inversion(self.folder / FILE, inversion, {**facts, "photo": path, _KEY: key_of(facts)})

    def kept_tuning(self) -> dict[str, Tensor] | None:
        """The tuned tensors, on the generator's device, if they are there and were made as the plan would."""
        path = self.folder / ADAPTATION
        if self.plan.tuning is None or not path.is_file():
            return None
        tensors, metadata = read_adaptation(path)
        if metadata.get(_KEY) != key_of(self.plan.tuning_facts(self.index)):
            return None
        return {name: value.to(self.plan.device) for name, value in tensors.items()}

    def keep_tuning(self, tensors: Mapping[str, Tensor]) -> None:
        """Write the tuned tensors as an adaptation of the base, which any command can load."""
        metadata = {
            "base": self.plan.config.model,
            BASE_HASH: self.plan.sha256,
            "name": f"{self.name}, tuned",
            "layers": "synthesis",
            _KEY: key_of(self.plan.tuning_facts(self.index)),
        }
        save_adaptation(self.folder / ADAPTATION, tensors, metadata)


def places_of(plan: Plan) -> list[Place]:
    """One folder for each photograph below `--out`, named after it.

    Raises NadaError where one holds an inversion with other settings and `--overwrite` was not given.
    """
    out = Path(plan.config.out)
    names = _unique([slugify(path.stem) for path in plan.photos.paths])
    places = [Place(plan, index, out / name) for index, name in enumerate(names)]
    foreign = None if plan.config.overwrite else next((place for place in places if place.is_foreign()), None)
    if foreign is not None:
        raise NadaError(
            f"{foreign.folder} holds an inversion of another photograph or with other settings; "
            "give another --out, or --overwrite to replace it."
        )
    return places


def _unique(names: Sequence[str]) -> list[str]:
    """Names of which those that come again have a number behind."""
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}-{number}", number + 1
        taken.add(candidate)
        result.append(candidate)
    return result
