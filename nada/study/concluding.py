"""What is made of the cells that are there: tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nada.study.progress import Say
from nada.study.table import write_tables


def conclude(out: Path, records: Sequence[dict[str, Any]], setup: dict[str, Any], say: Say) -> None:
    """Write tables and report, and say where they are. Raises NadaError where they cannot be written."""
    for path in write_tables(out, records, setup):
        say(f"written: {path}")
