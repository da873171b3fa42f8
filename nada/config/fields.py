"""A dataclass as the options of a command: one place for default, type and help, and JSON that reads back."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from nada.config.resuming import keep_given
from nada.config.sections import SectionedOption
from nada.errors import NadaError, UsageError

Config = TypeVar("Config")


def option(
    default: Any,
    *,
    help: str,
    choices: Sequence[str] | None = None,
    flag: str | None = None,
    alias: str | None = None,
    section: str | None = None,
    bare: Any = None,
) -> Any:
    """Declare a field of an option dataclass.

    Args:
        default: a plain value; a tuple makes an option that can be repeated, a bool one with `--no-`.
        help: what a newcomer reads behind the option.
        choices: the only values there are.
        flag: the option's name where it differs from the field's.
        alias: a second name of the option.
        section: the heading in `--help` that begins with this option; it holds until the next one.
        bare: the value that the option stands for where it is given without one; None where it needs one.
    """
    metadata = {"help": help, "choices": choices, "flag": flag, "alias": alias, "section": section, "bare": bare}
    return dataclasses.field(default=default, metadata=metadata)


def options_of(cls: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that gives a click command the options of `cls`, and `--config FILE`.

    The command is called with one instance, and by name with its own arguments and options that are no fields of `cls`.
    A flag on the command line wins over the file, the file over the default.
    """
    names = {field.name for field in dataclasses.fields(cls)}

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def wrapper(config: str | None, **given: Any) -> Any:
            context = click.get_current_context()
            source = click.core.ParameterSource.DEFAULT
            own = {key: value for key, value in given.items() if key not in names}
            chosen = {key: given[key] for key in given.keys() & names if context.get_parameter_source(key) != source}
            keep_given(chosen)
            stored = {} if config is None else read_options(cls, config)
            return command(from_json(cls, {**stored, **chosen}), **own)

        file_help = "JSON file of options, as a run's config.json; flags win over it, and paths in it start here."
        decorated = click.option("--config", metavar="FILE", help=file_help)(wrapper)
        sections = _sections(cls)
        for field in reversed(dataclasses.fields(cls)):
            decorated = _click_option(cls, field, sections[field.name])(decorated)
        return decorated

    return decorate


def _sections(cls: type) -> dict[str, str | None]:
    """The heading that each option stands under."""
    current, sections = None, {}
    for field in dataclasses.fields(cls):
        current = sections[field.name] = field.metadata["section"] or current
    return sections


def _click_option(
    cls: type, field: dataclasses.Field[Any], section: str | None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    name = (field.metadata["flag"] or field.name).replace("_", "-")
    kind, many = _kind(cls, field)
    help = field.metadata["help"]
    names = [f"--{word}" for word in (name, field.metadata["alias"]) if word]
    if kind is bool:
        # A three-state switch keeps None where neither form is given.
        flags = names if field.default is False else [f"{flag}/--no-{flag[2:]}" for flag in names]
        shared = {"cls": SectionedOption, "section": section, "help": help}
        return click.option(*flags, field.name, default=field.default, is_flag=True, show_default=True, **shared)
    choices = field.metadata["choices"]
    return click.option(
        *names,
        field.name,
        cls=SectionedOption,
        section=section,
        type=click.Choice(choices) if choices else kind,
        default=field.default,
        multiple=many,
        show_default=field.default not in (None, ()),
        help=help,
        **({} if field.metadata["bare"] is None else {"is_flag": False, "flag_value": field.metadata["bare"]}),
    )


def _kind(cls: type, field: dataclasses.Field[Any]) -> tuple[type, bool]:
    """The plain type of a field, and whether there are many of it; None beside a type is left out."""
    hint = _hints(cls)[field.name]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if typing.get_origin(hint) is tuple:
        return typing.get_args(hint)[0], True
    return hint, False


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def to_json(config: Any) -> dict[str, Any]:
    """Return the options as plain values; `from_json` gives an equal instance back."""
    values = dataclasses.asdict(config)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def from_json(cls: type[Config], values: Mapping[str, Any]) -> Config:
    """Build the options from plain values; what is missing takes its default.

    Raises:
        UsageError: for an unknown name (with the nearest one there is) or a value of the wrong type.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1)
            raise UsageError(f"There is no option {key!r}" + (f"; did you mean {near[0]!r}?" if near else "."))
    return cls(**{key: _checked(cls, fields[key], value) for key, value in values.items()})


def _checked(cls: type, field: dataclasses.Field[Any], value: Any) -> Any:
    kind, many = _kind(cls, field)
    if value is None and field.default is None:
        return None
    if many:
        if isinstance(value, (list, tuple)) and all(isinstance(item, kind) for item in value):
            return tuple(value)
    elif kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    elif isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        choices = field.metadata["choices"]
        if choices and value not in choices:
            raise UsageError(f"The option {field.name!r} is one of {', '.join(choices)}, not {value!r}.")
        return value
    wanted = f"a list of {kind.__name__}" if many else kind.__name__
    raise UsageError(f"The option {field.name!r} needs {wanted}, not {value!r}.")


def read_options(cls: type, path: str | Path) -> dict[str, Any]:
    """Read options from a JSON file: a run's `config.json`, which has them under "options", or options alone.

    Raises:
        NadaError: if the file is missing or is not a JSON object.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise NadaError(f"{path} is not a JSON file: {error}.") from error
    options = content.get("options", content) if isinstance(content, dict) else None
    if not isinstance(options, dict):
        raise NadaError(f"{path} holds no options: it should be a JSON object such as the config.json of a run.")
    from_json(cls, options)
    return options
