"""What is to be exported: a generator, and everything that is known of how it came about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from nada.checkpoints import hash_generator, load_generator, native, read_generator, registry
from nada.checkpoints.loading import find, find_adaptation
from nada.errors import NadaError
from nada.evaluation.origin import Origin, origin_of
from nada.files import read_json
from nada.models import Generator
from nada.runs import find_run
from nada.sharing.portable import portable, public_name

CARD, RESULT = "README.md", "result.json"
BEFORE_AFTER, PREVIEW = "before-after.png", "preview.png"  # of nada adapt, and of nada mix


@dataclass(frozen=True)
class Base:
    """The generator that was adapted: its name for others, its hash, what is known of it."""

    name: str
    sha256: str
    shows: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Source:
    """A generator to export.

    Attributes:
        spec: as it was named.
        folder: of the run or generator; None for a single file.
        generator: the weights, adapted where there was an adaptation.
        base: what was adapted; None for a generator that is none.
        tensors: those that the adaptation moved; empty where there was none.
        record: the run's `config.json` without paths; empty where there was no run.
        result: the run's `result.json`.
        metadata: what the generator's own folder says of it.
        own_card: the README that lies beside it, empty where there is none.
    """

    spec: str
    folder: Path | None
    generator: Generator
    base: Base | None = None
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    own_card: str = ""

    def option(self, name: str) -> Any:
        """An option or setting of the run, None where it has none of that name."""
        settings, options = self.record.get("settings") or {}, self.record.get("options") or {}
        return settings.get(name, options.get(name))

    @property
    def title(self) -> str:
        """A short name for people."""
        if self.base is not None:
            source, target = self.option("source"), self.option("target") or self.metadata.get("name")
            return f"{source} to {target}" if source and target else str(target or f"{self.base.name}, adapted")
        shows = self.metadata.get("shows")
        return f"StyleGAN2 generator, {self.generator.config.resolution} px" + (f": {shows}" if shows else "")

    @property
    def parts(self) -> list[dict[str, Any]]:
        """What `nada mix` mixed: name, weight, layers and checksum of each; empty for all else."""
        parts = json.loads(str(self.metadata.get("parts", "[]")))
        return parts if isinstance(parts, list) else []


def read_source(spec: str, base_name: str | None = None) -> Source:
    """Read a run, an adaptation or any other generator, with all that its folder says of it.

    Args:
        spec: as for `load_generator`; "latest" for the newest run below `runs/`.
        base_name: under which others find what was adapted; it is loaded and compared.

    Raises:
        UsageError: if there is no such thing.
        NadaError: for what cannot be read, a run that has not ended, or a `base_name` that is another generator.
    """
    spec = str(find_run("latest")) if spec == "latest" else spec
    found = find_adaptation(spec)
    generator = read_generator(spec).generator
    path = found[0].parent if found else find(spec)
    folder = path if path.is_dir() else None
    origin = origin_of(str(folder)) if folder else Origin()
    facts = {
        "record": portable(origin.record),
        "result": _json(folder, RESULT),
        "own_card": _text(folder, CARD),
    }
    if found is None:
        return Source(spec, folder, generator, metadata=_metadata(folder, spec), **facts)
    tensors, metadata = native.read_adaptation(found[0])
    base = _base(found[1], metadata.get(native.BASE_HASH, ""), base_name)
    return Source(spec, folder, generator, base, tensors, metadata=portable(metadata), **facts)


def _base(spec: str, sha256: str, name: str | None) -> Base:
    if name is not None and hash_generator(load_generator(name)) != sha256:
        raise NadaError(
            f"{name} is not the generator that was adapted (their hashes differ); give the one it was made from "
            "with --base, or leave that out."
        )
    name = name or public_name(spec)
    known = registry.KNOWN.get(name)
    if known is not None:
        return Base(name, sha256, known.shows, known.licence)
    told = _metadata(find(spec), spec)
    return Base(name, sha256, str(told.get("shows", "")), str(told.get("licence", "")))


def _metadata(path: Path | None, spec: str) -> dict[str, Any]:
    """What the folder of a generator says of it, or the registry."""
    for folder in (path, path / "generator") if path else ():
        if native.is_native(folder):
            return dict(portable(native.read_metadata(folder)))
    known = registry.KNOWN.get(spec)
    return {"shows": known.shows, "licence": known.licence} if known else {}


def _json(folder: Path | None, name: str) -> dict[str, Any]:
    content = read_json(folder / name) if folder and (folder / name).is_file() else {}
    return portable(content) if isinstance(content, dict) else {}


def _text(folder: Path | None, name: str) -> str:
    if folder is None or not (folder / name).is_file():
        return ""
    try:
        return (folder / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NadaError(f"cannot read {folder / name}: {error}; mend it or take it away.") from error
