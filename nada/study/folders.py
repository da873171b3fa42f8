"""Where the cells of a study lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nada.study.cell import Cell
from nada.study.setup import CELLS


def folder_of(out: str | Path, record: Mapping[str, Any]) -> Path:
    """The run folder of a cell, by what its `cell.json` holds."""
    return Path(out) / CELLS / Cell.from_dict(record["cell"]).key
