"""What is made of the cells that are there: tables, a page, a board, and a summary for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nada.study.board import write_board
from nada.study.progress import Say
from nada.study.report import write_report
from nada.study.summary import summary_lines
from nada.study.table import write_tables


def conclude(out: Path, records: Sequence[dict[str, Any]], setup: dict[str, Any], say: Say) -> None:
    """Write everything and say where it is. Raises NadaError where it cannot be written."""
    written = [*write_tables(out, records, setup), write_report(out, records, setup)]
    board = write_board(out, records)
    say("")
    for line in summary_lines(records, setup):
        say(line)
    say("")
    for path in written:
        say(f"written: {path}")
    say(f"curves:  tensorboard --logdir {board}")
