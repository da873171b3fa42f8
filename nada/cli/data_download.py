"""`nada data download`: public data sets of pictures, from where they are published."""

from __future__ import annotations

from typing import Any

import click

from nada.cli.bars import progress_bar
from nada.config.download import Cifar10Options, PokemonOptions
from nada.config.fields import options_of
from nada.errors import UsageError


@click.group("download")
def command() -> None:
    """Fetch a public data set of pictures. Run the same command again to go on after a break.

    \b
    The pictures stay as they were published; the next step makes training data of them:
      nada data download cifar10
      nada data import cifar-10-python.tar.gz cifar10.zip --size 32
    """


@command.command("cifar10", short_help="60,000 photographs in ten classes, 32 px: one archive of 170 MB.")
@options_of(Cifar10Options)
def cifar10(options: Cifar10Options) -> None:
    """CIFAR-10: 60,000 photographs of 32 x 32 pixels in ten classes, one archive of 170 MB, with its checksum."""
    from pathlib import Path

    from nada.data.downloads import fetch_cifar10
    from nada.data.downloads.cifar10 import CIFAR10

    path, tally = fetch_cifar10(Path(options.out), _client(0.0), options.base_url or CIFAR10)
    click.echo(f"{path}: {tally.summary()}; its checksum is right")
    click.echo(f"next: nada data import {path} cifar10.zip --size 32")


@command.command("pokemon", short_help="About 1,000 pictures from PokéAPI, with types and captions.")
@options_of(PokemonOptions)
def pokemon(options: PokemonOptions) -> None:
    """Pictures of about 1,000 pokémon from PokéAPI, with their types as classes and a caption each.

    Writes OUT/TYPE/NAME.png, OUT/dataset.json, and OUT/skipped.txt for what could not be had. The pictures are
    The Pokémon Company's: for study, not for sale.
    """
    from pathlib import Path

    from nada.data.downloads import fetch_pokemon
    from nada.data.downloads.pokeapi import POKEAPI
    from nada.data.downloads.tally import SKIPPED

    if options.limit < 1 or options.rate <= 0:
        raise UsageError("--limit and --rate must be greater than 0.")
    out = Path(options.out)
    tally = fetch_pokemon(
        out,
        _client(1 / options.rate),
        sprite=options.sprite,
        limit=options.limit,
        base_url=options.base_url or POKEAPI,
        progress=progress_bar("pokemon"),
    )
    click.echo(f"{out}: {tally.summary()}{f' (names in {out / SKIPPED})' if tally.skipped else ''}")
    click.echo(f"next: nada data import {out} {out}.zip --size 128")


def _client(interval: float) -> Any:
    """A client that says so when it has to wait for a server."""
    from nada.web import Client

    return Client(interval=interval, on_wait=_say)


def _say(reason: str, seconds: float) -> None:
    import sys

    from tqdm import tqdm

    tqdm.write(f"nada: {reason}; trying again in {seconds:.0f} s", file=sys.stderr)
