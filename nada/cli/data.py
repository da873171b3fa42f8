"""`nada data`: pictures to train on, imported, downloaded and looked at."""

from __future__ import annotations

import click

from nada.cli.groups import LazyGroup

# The names and short helps stand here so that `nada data --help` need not import a command.
COMMANDS = {
    "import": "Turn pictures from almost anywhere into one zip of equal squares.",
    "inspect": "Look at a data set first: sizes, captions, duplicates.",
    "download": "Fetch a public data set of pictures.",
}


@click.group("data", cls=LazyGroup, table=COMMANDS, module="nada.cli.data_{}")
def command() -> None:
    """Import, inspect and download pictures to train on.

    \b
    From a folder of any pictures to a data set, and a look at it:
      nada data import photos/ photos.zip --size 256
      nada data inspect photos.zip --html report.html
    """
