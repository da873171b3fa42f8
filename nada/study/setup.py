"""What all cells of a study share, and the file that says so: `setup.json`, by which a study is known again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nada.errors import NadaError
from nada.files import locked, make_folder, read_json, write_json
from nada.study.grid import Grid

FORMAT = 1
FILE, CELLS = "setup.json", "cells"
LOOKS, WAIT = 200, 20.0  # for the lock of the file: how often, within how many seconds
_PLACES = ("generator", "clip", "judge", "style_reference")  # where things lie, not what they are


@dataclass(frozen=True)
class Setup:
    """What decides the numbers of a cell beside the cell itself.

    Attributes:
        generator, clip, judge, style_reference: specs and paths, as this machine knows them.
        generator_sha256, guides, judged_by, style_sha256: what they are, by their hashes.
        batch: pictures per step.
        num: pictures measured.
        precision, device, threads: how it is computed, since that moves last digits; the device as `cpu` or `cuda`.
    """

    generator: str
    clip: tuple[str, ...]
    judge: str
    style_reference: str | None
    generator_sha256: str
    guides: tuple[dict[str, Any], ...]
    judged_by: dict[str, Any]
    style_sha256: str | None
    batch: int
    num: int
    precision: str
    device: str
    threads: int

    def deciding(self) -> dict[str, Any]:
        """The part that two machines with the same study agree on."""
        return {name: value for name, value in self.to_dict().items() if name not in _PLACES}

    @property
    def digest(self) -> str:
        """A hash of the same, which every cell carries."""
        return hashlib.sha256(json.dumps([FORMAT, self.deciding()], sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "clip": list(self.clip), "guides": list(self.guides)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Setup:
        """The setup that `to_dict` was of."""
        return cls(**{**values, "clip": tuple(values["clip"]), "guides": tuple(values["guides"])})


@dataclass(frozen=True)
class Known:
    """What `setup.json` holds: the setup, the whole grid so far, and facts for the report."""

    setup: Setup
    grid: Grid
    aliases: dict[str, str]
    blocks: tuple[str, ...]
    versions: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        rest = {"aliases": self.aliases, "blocks": list(self.blocks), "versions": self.versions}
        return {"format": FORMAT, "settings": self.setup.to_dict(), "grid": self.grid.to_dict(), **rest}

    def for_tables(self) -> dict[str, Any]:
        """The setup as tables and report take it."""
        setup = self.setup
        return {
            **self.grid.to_dict(),
            "aliases": self.aliases,
            "blocks": list(self.blocks),
            "generator": setup.generator,
            "generator_sha256": setup.generator_sha256,
            "guide": " + ".join(setup.clip),
            "judge": setup.judge,
            "style_reference": setup.style_reference,
            **{name: getattr(setup, name) for name in ("batch", "num", "precision", "device", "threads")},
            "versions": self.versions,
        }


def read_known(out: Path) -> Known | None:
    """The study in a folder; None where there is none yet.

    Raises:
        NadaError: for a folder that holds something else.
    """
    if not (out / FILE).is_file():
        if out.is_dir() and any(not path.name.startswith(".") for path in out.iterdir()):
            raise NadaError(f"{out} holds no study ({FILE} is not there), but is not empty; choose another --out.")
        return None
    values = read_json(out / FILE)
    try:
        if values["format"] != FORMAT:
            raise NadaError(f"{out / FILE} was written by another version of nada; choose another --out.")
        rest = values["aliases"], tuple(values["blocks"]), values["versions"]
        return Known(Setup.from_dict(values["settings"]), Grid.from_dict(values["grid"]), *rest)
    except (KeyError, TypeError) as error:
        raise NadaError(f"{out / FILE} is damaged or is of no study; choose another --out.") from error


def grown(out: Path, before: Known | None, now: Known) -> Known:
    """The study in a folder together with what is asked for now.

    Raises:
        NadaError: if the folder holds another study.
    """
    if before is None:
        return now
    _refuse_another(out, before, now)
    return Known(now.setup, before.grid.joined(now.grid), {**before.aliases, **now.aliases}, before.blocks, before.versions)


def keep(out: Path, now: Known) -> Known:
    """Write down what is asked for now together with what is there, and return the whole of it.

    Of several jobs that do so at once none loses what another one has added.

    Raises:
        NadaError: if the folder holds another study by now, or cannot be written.
    """
    make_folder(out)
    with _alone(out / FILE):
        before = read_known(out) if (out / FILE).is_file() else None
        known = grown(out, before, now)
        if before is None or before.to_dict() != known.to_dict():
            write_json(out / FILE, known.to_dict())
    make_folder(out / CELLS)  # after the file: a folder that holds something but no such file is refused
    return known


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait for the lock of a file that others hold for a moment only."""
    busy = f"{path} is locked by another process; end that one and try again."
    with ExitStack() as stack:
        for left in reversed(range(LOOKS)):
            try:
                stack.enter_context(locked(path, busy))
                break
            except NadaError as error:
                if str(error) != busy or not left:
                    raise
                time.sleep(WAIT / LOOKS)
        yield


def _refuse_another(out: Path, before: Known, now: Known) -> None:
    then, asked = ({**known.setup.deciding(), "steps": known.grid.steps} for known in (before, now))
    for name, value in then.items():
        if value != asked[name]:
            told = f": {value}, not {asked[name]}" if isinstance(value, (int, str)) and len(str(value)) < 20 else ""
            raise NadaError(f"{out} holds a study with another {_NAMES.get(name, name)}{told}; choose another --out.")


_NAMES = {
    "generator_sha256": "generator",
    "guides": "guide",
    "judged_by": "judge",
    "style_sha256": "style reference",
    "batch": "batch size",
    "num": "number of pictures (--num)",
    "steps": "number of steps",
    "threads": "number of threads (--threads)",
}
