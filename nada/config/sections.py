"""A long `--help` in sections with headings, as the option dataclass has them."""

from __future__ import annotations

from typing import Any

import click


class SectionedOption(click.Option):
    """An option that knows the heading it stands under."""

    def __init__(self, *arguments: Any, section: str | None = None, **others: Any) -> None:
        super().__init__(*arguments, **others)
        self.section = section


class SectionedCommand(click.Command):
    """A command whose help lists its options section by section; those without one come last, as "Other"."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, all with one margin."""
        sections: dict[str | None, list[tuple[str, str]]] = {}
        for parameter in self.get_params(context):
            record = parameter.get_help_record(context)
            if record is not None and isinstance(parameter, click.Option):
                sections.setdefault(getattr(parameter, "section", None), []).append(record)
        rest = sections.pop(None, [])
        column = min(max(len(flags) for rows in (*sections.values(), rest) for flags, _ in rows), 30)
        for title, rows in {**sections, "Other" if sections else "Options": rest}.items():
            with formatter.section(title):
                formatter.write_dl([(flags.ljust(column), text) for flags, text in rows], col_max=column)
