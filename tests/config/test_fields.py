"""Option dataclasses: flags, files, defaults, and JSON that reads back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from nada.config import SectionedCommand, from_json, given_options, option, options_of, to_json
from nada.config.resuming import asked_otherwise
from nada.errors import NadaError, UsageError


@dataclass(frozen=True)
class Options:
    """One field of every kind."""

    name: str | None = option(None, help="A name.")
    rate: float = option(0.5, help="A rate.")
    count: int | None = option(None, help="A count.")
    kind: str = option("one", choices=("one", "two"), help="A kind.")
    items: tuple[str, ...] = option((), flag="item", help="Items.")
    stop: bool = option(True, help="A switch that is on.")
    dry_run: bool = option(False, help="A switch that is off.")
    maybe: bool | None = option(None, help="A switch that may be left alone.")


def call(*arguments: str) -> Options:
    seen = []

    @click.command()
    @options_of(Options)
    def command(config: Options) -> None:
        seen.append(config)

    result = CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    assert result.exit_code == 0, result.output
    return seen[0]


def test_defaults_are_the_dataclass_defaults() -> None:
    assert call() == Options()


def test_every_kind_of_flag() -> None:
    given = call(
        "--name", "x", "--rate", "2", "--count", "3", "--kind", "two", "--item", "a", "--item", "b", "--no-stop",
        "--dry-run", "--no-maybe",
    )  # fmt: skip
    assert given == Options("x", 2.0, 3, "two", ("a", "b"), False, True, False)
    assert isinstance(given.rate, float) and isinstance(given.items, tuple)


@pytest.mark.parametrize("wrapped", [True, False])
def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path: Path, wrapped: bool) -> None:
    file = tmp_path / "config.json"
    options = {"rate": 0.25, "count": 7, "items": ["a"], "stop": False}
    file.write_text(json.dumps({"options": options, "command": "x"} if wrapped else options))
    given = call("--config", str(file), "--count", "8", "--stop")
    assert given == Options(rate=0.25, count=8, items=("a",), stop=True)


def test_a_flag_that_repeats_the_default_still_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"rate": 0.25}')
    assert call("--config", str(tmp_path / "config.json"), "--rate", "0.5").rate == 0.5


@pytest.mark.parametrize(
    "content, message",
    [
        ('{"rat": 1}', "did you mean 'rate'"),
        ('{"count": "many"}', "needs int"),
        ('{"count": true}', "needs int"),
        ('{"items": "a"}', "list of str"),
        ('{"kind": "three"}', "one, two"),
        ('{"stop": 1}', "needs bool"),
        ("[1]", "holds no options"),
        ("{", "not a JSON file"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(NadaError, match=message):
        call("--config", str(tmp_path / "bad.json"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NadaError, match="none.json"):
        call("--config", str(tmp_path / "none.json"))


def test_json_reads_back() -> None:
    options = Options("x", 0.1, None, "two", ("a", "b"), False, True, None)
    assert from_json(Options, json.loads(json.dumps(to_json(options)))) == options
    with pytest.raises(UsageError, match="no option 'zzz'"):
        from_json(Options, {"zzz": 1})


def test_a_long_help_stands_in_sections() -> None:
    """Every option under the last heading before it, and what has none at the end."""

    @dataclass(frozen=True)
    class Long:
        first: int = option(1, section="Data", help="One.")
        second: int = option(2, help="Two.")
        third: bool = option(False, section="Machine", help="Three.")

    @click.command(cls=SectionedCommand)
    @options_of(Long)
    def command(config: Long) -> None: ...

    lines = [line.strip() for line in CliRunner().invoke(command, ["--help"]).output.splitlines()]
    order = [lines.index(heading) for heading in ("Data:", "Machine:", "Other:")]
    places = [
        next(i for i, line in enumerate(lines) if line.startswith(flag)) for flag in ("--second", "--third", "--config")
    ]
    assert order[0] < places[0] < order[1] < places[1] < order[2] < places[2]


def test_without_sections_the_help_is_one_list() -> None:
    @click.command(cls=SectionedCommand)
    @options_of(Options)
    def command(config: Options) -> None: ...

    output = CliRunner().invoke(command, ["--help"]).output
    assert "Options:" in output and "Other:" not in output and "--maybe / --no-maybe" in output


def test_arguments_of_the_command_itself_are_handed_on() -> None:
    """Catches an argument taken for an option that the dataclass should know."""
    seen = []

    @click.command()
    @click.argument("source")
    @options_of(Options)
    def command(config: Options, source: str) -> None:
        seen.append((config.name, source))

    CliRunner().invoke(command, ["here", "--name", "x"], catch_exceptions=False, standalone_mode=False)
    assert seen == [("x", "here")]


def test_an_option_written_out_with_its_default_is_known_to_be_given() -> None:
    """Catches a resumed run that passes over a wish because it is the default's value."""
    seen = []

    @click.command()
    @options_of(Options)
    def command(config: Options) -> None:
        seen.append(asked_otherwise(config, Options(rate=0.25, kind="two", count=3), given_options()))

    CliRunner().invoke(command, ["--rate", "0.5", "--count", "3"], catch_exceptions=False, standalone_mode=False)
    assert seen == [["rate"]]
