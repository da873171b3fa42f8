"""`nada models`: what generators there are, what is in one, and how to get one."""

from __future__ import annotations

import json
from typing import Any

import click

MOST_LISTED = 12


@click.group("models", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List, show and fetch generators."""
    if context.invoked_subcommand is None:
        context.invoke(list_models)


def _bundled() -> dict[str, dict[str, Any]]:
    """Return the bundled generators that are there, by name."""
    from nada.checkpoints.registry import BUNDLED, bundled_path
    from nada.files import read_json

    found = {}
    for name in BUNDLED:
        if (path := bundled_path(name)).is_dir():
            content = read_json(path / "config.json")
            shows = content.get("metadata", {}).get("shows") or ", ".join(content["config"].get("class_names", []))
            found[name] = {"name": name, "resolution": content["config"]["resolution"], "shows": shows}
    return found


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with addresses and licences.")
def list_models(as_json: bool = False) -> None:
    """List the bundled and the known pretrained generators."""
    from dataclasses import asdict

    from nada.checkpoints.registry import KNOWN, cache_path

    rows = [{**row, "bundled": True, "cached": True} for row in _bundled().values()]
    rows += [{**asdict(entry), "bundled": False, "cached": cache_path(entry.name).is_file()} for entry in KNOWN.values()]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    click.echo(f"{'NAME':32} {'PX':>4}  {'HERE':4}  SHOWS")
    for row in rows:
        click.echo(f"{row['name']:32} {row['resolution']:4}  {'yes' if row['cached'] else 'no':4}  {row['shows']}")
    click.echo("\n'nada models show NAME' gives address and licence; 'nada models fetch NAME' downloads it.")


def _describe(spec: str) -> dict[str, Any]:
    """Load a generator and return its sizes and its source."""
    from nada.checkpoints import hash_generator, read_generator

    loaded = read_generator(spec)
    generator = loaded.generator
    return {
        "source": str(loaded.path),
        "kind": loaded.kind,
        "note": loaded.note,
        "conditions": generator.config.describe_conditions() or "none",
        **generator.config.to_dict(),
        "parameters": sum(parameter.numel() for parameter in generator.parameters()),
        "weights_sha256": hash_generator(generator),
    }


def _show(values: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(values, indent=2))
        return
    for key, value in values.items():
        if value in (None, "", [], ()):
            continue
        text = f"{value:,}" if key == "parameters" else _listed(value) if isinstance(value, list) else value
        click.echo(f"{key.replace('_', ' '):22} {text}")


def _listed(values: list[Any]) -> str:
    """Return the values in a line; a text-conditional generator may know thousands of prompts."""
    more = [f"… ({len(values):,} in all; --json lists them)"] if len(values) > MOST_LISTED else []
    return ", ".join([*map(str, values[:MOST_LISTED]), *more])


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_model(name: str, as_json: bool) -> None:
    """Show a known generator NAME, or the sizes inside any file, folder or run."""
    from dataclasses import asdict
    from pathlib import Path

    from nada.checkpoints.registry import KNOWN, cache_path

    values: dict[str, Any] = {}
    here = True
    if name in KNOWN and not Path(name).exists():
        here = cache_path(name).is_file()
        unknown = {} if KNOWN[name].sha256 else {"sha256": "not published by its owner"}
        values = {
            **asdict(KNOWN[name]),
            **unknown,
            "cached": "yes" if here else f"no; run 'nada models fetch {name}'",
        }
    _show({**values, **(_describe(name) if here else {})}, as_json)


@command.command("fetch")
@click.argument("name")
@click.option("--cache", metavar="DIR", help="Where to keep it.  [default: $NADA_CACHE or ~/.cache/nada]")
def fetch_model(name: str, cache: str | None) -> None:
    """Download the known generator NAME; an interrupted download goes on where it stopped."""
    from nada.checkpoints.registry import BUNDLED, KNOWN, fetch

    if name in BUNDLED:
        click.echo(f"{name} is bundled; there is nothing to fetch.")
        return
    if name in KNOWN:
        click.echo(f"{name}: {KNOWN[name].licence}", err=True)
    click.echo(fetch(name, cache))
