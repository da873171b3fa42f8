"""How a generator came about, as its run, its export or its mix keeps it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from nada.checkpoints import hub, native, registry
from nada.files import read_json

RUN = "run"  # where a folder that is no run keeps the record of the run that it came from
COMMANDS = ("adapt", "mix", "train")


def read_record(place: Path) -> dict[str, Any]:
    """Return the record of the run that made something: `command`, `options`, the guides; empty where nothing tells.

    Args:
        place: a run folder, an export, a mix, or the file of an adaptation.

    Raises:
        NadaError: for a config.json that is damaged.
    """
    content = _config(place)
    if found := _checked(content) or _checked(_metadata(content).get(RUN)):
        return found
    try:
        return _checked(json.loads(native.read_head(native.adaptation_file(place)).get(RUN, "{}")))
    except (TypeError, ValueError):
        return {}


def shared_base(place: Path, record: dict[str, Any]) -> str | None:
    """Return what was adapted to make an export, None if that cannot be had here.

    Paths of its author are bare names in an export; they are looked for beside it and nowhere else.
    """
    file = native.adaptation_file(place)
    names = (_metadata(_config(place)).get("base"), native.read_head(file).get("base"), record.get("generator"))
    for name in names:
        if isinstance(name, str) and name and (found := _reachable(name, file.parent)):
            return found
    return None


def _reachable(name: str, folder: Path) -> str | None:
    if name in registry.BUNDLED or name.startswith(hub.PREFIX):
        return name
    if name in registry.KNOWN:
        return name if registry.cache_path(name).is_file() else None
    beside = os.path.join(folder, os.path.expanduser(name))  # a whole path stays what it is
    return beside if os.path.exists(beside) else None


def _config(place: Path) -> Any:
    """The config.json that belongs to a folder or adaptation; beside a file of another name it may be of anything."""
    file = (place if place.is_dir() else place.parent) / native.CONFIG
    return read_json(file) if file.is_file() and (place.is_dir() or place.name == native.ADAPTATION) else {}


def _metadata(content: Any) -> dict[str, Any]:
    metadata = content.get("metadata") if isinstance(content, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _checked(content: Any) -> dict[str, Any]:
    return content if isinstance(content, dict) and content.get("command") in COMMANDS else {}
