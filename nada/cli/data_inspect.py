"""`nada data inspect`: the first look at pictures that somebody wants to train on."""

from __future__ import annotations

import click

from nada.cli.bars import progress_bar
from nada.config import SectionedCommand, options_of
from nada.config.data import InspectConfig


@click.command("inspect", cls=SectionedCommand)
@click.argument("data", metavar="DATA")
@options_of(InspectConfig)
def command(config: InspectConfig, data: str) -> None:
    """Look at the pictures of DATA before training on them.

    DATA is a folder, a zip, a parquet file or a folder of them, or CIFAR-10's published archive, as for nada data
    import. Counts, sizes, colours, backgrounds, classes, captions, words, broken pictures, duplicates and near
    duplicates.

    \b
    A summary here, and a page to click through:
      nada data inspect photos/ --html report.html
    """
    import json

    from nada.data.inspection import as_text, inspect_data, summarise, write_page
    from nada.data.records import Reading
    from nada.errors import UsageError

    if not 1 <= config.samples <= 500:
        raise UsageError(f"--samples is between 1 and 500, not {config.samples}.")
    reading = Reading(**config.reading())
    inspection = inspect_data(data, reading, config.near, config.samples, config.seed, progress_bar("looking"))
    summary = summarise(inspection)
    text = json.dumps(summary, indent=2, ensure_ascii=False) if config.as_json else as_text(summary)
    click.echo(text.encode("utf-8", "backslashreplace"))  # which is how JSON writes a name that is no Unicode, too
    if config.html:
        write_page(config.html, inspection, progress_bar("choosing examples"))
        click.echo(f"page: {config.html}", err=config.as_json)
