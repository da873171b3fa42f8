"""Specs of generators as records keep them."""

from __future__ import annotations

from pathlib import Path

from nada.checkpoints.registry import BUNDLED


def absolute_spec(spec: str) -> str:
    """Return a spec that means the same from any folder: files get their whole path."""
    path = Path(spec).expanduser()
    return str(path.resolve()) if spec not in BUNDLED and path.exists() else spec
