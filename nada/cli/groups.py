"""A group of commands that are imported only when one of them is called."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it or to show its help.

    `table` gives names and short helps, in order; `module` is where the command of a name is, with `{}` for the name,
    hyphens as underscores.
    """

    def __init__(self, *arguments: Any, table: Mapping[str, str], module: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.table, self.module = table, module

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in self.table:
            near = difflib.get_close_matches(name, self.table, 1)
            question = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {name!r}.{question}", context)
        return importlib.import_module(self.module.format(name.replace("-", "_"))).command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.table.items()))
