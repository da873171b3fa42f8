"""What somebody asks of a run that is resumed, beside what it was started with."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import click

_GIVEN = "nada.given"  # in click's context


def keep_given(names: Collection[str]) -> None:
    """Note, in click's context, which options were written on the command line."""
    click.get_current_context().meta[_GIVEN] = frozenset(names)


def given_options() -> frozenset[str]:
    """The names of the options that were written on the command line, also where that is their default."""
    return click.get_current_context().meta.get(_GIVEN, frozenset())


def asked_otherwise(asked: Any, saved: Any, given: Collection[str] = ()) -> list[str]:
    """Return the names of the options that are asked for and are another in a run.

    Args:
        asked: options as they are given now; a default asks for nothing.
        saved: those of the run, of the same class.
        given: names of options that ask for what they say even where that is their default.
    """
    return [
        field.name
        for field in dataclasses.fields(asked)
        if (field.name in given or getattr(asked, field.name) != field.default)
        and getattr(asked, field.name) != getattr(saved, field.name)
    ]
