"""The end of the command: the policies in their order, as a table for a terminal, and what it says."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from nada.study.kinds import BALANCE, SHOWN, kind_of
from nada.study.ranking import Row, View
from nada.study.results import Results, lr_text
from nada.study.statistics import Comparison
from nada.study.words import brief_text, findings, p_text, signed

WIDTH = 118
_LEFT = (1,)  # columns of words


def summary_lines(cells: Iterable[Mapping[str, Any]], setup: Mapping[str, Any]) -> list[str]:
    """Return the ranked policies over all prompt pairs, each at its best learning rate, and the findings in words."""
    results = Results(cells, setup)
    if not results.policies:
        return ["There are no cells yet."]
    view = View(results, None, None)
    keys = [key for key in (BALANCE, *SHOWN) if any(row.spread(key).n for row in view.rows)]
    head = ["", "policy", "lr", *(kind_of(key).title for key in keys), f"balance - {view.baseline}", "cells"]
    rows = [head, *(_line(row, view, rank, keys) for rank, row in enumerate(view.rows, 1))]
    if view.source.good:
        rows.append(_line(view.source, view, 0, keys))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    table = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    rule = "  ".join("-" * width for width in widths)
    said = [textwrap.wrap(f"- {finding.text}", WIDTH, subsequent_indent="  ") for finding in findings(results, view)]
    note = (
        "± reaches to the ends of Student's 95 % interval over seeds; differences are matched by pair and seed, "
        "p by paired t and Holm."
    )
    return [table[0], rule, *table[1:], note, "", *(line for lines in said for line in lines)]


def _line(row: Row, view: View, rank: int, keys: list[str]) -> list[str]:
    comparison = row.comparisons.get(BALANCE)
    against = "" if comparison is None else _against(comparison)
    cells = f"{row.good}/{row.expected}" + (f", {row.failed} failed" if row.failed else "")
    place = str(rank) if rank and view.is_ranked(row) else ""
    return [place, row.policy, lr_text(row.lr), *(brief_text(row.spread(key), key) for key in keys), against, cells]


def _against(comparison: Comparison) -> str:
    return f"{signed(comparison, brief_text(comparison.difference, BALANCE))}, {p_text(comparison.p_holm)}"


def _aligned(row: list[str], widths: list[int]) -> list[str]:
    return [
        text.ljust(width) if column in _LEFT else text.rjust(width) for column, (text, width) in enumerate(zip(row, widths))
    ]
