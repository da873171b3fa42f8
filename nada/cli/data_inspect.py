"""`nada data inspect`: the first look at pictures that somebody wants to train on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click


@click.command("inspect")
@click.argument("data", metavar="DATA")
@click.option("--html", metavar="FILE", help="Write one page with interactive charts and example pictures; it needs "
              "no network and no server.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON instead of a summary.")
@click.option("--include", metavar="GLOB", help="Take only pictures whose name fits, as 'train-*'.")
@click.option("--class-from", default="auto", show_default=True,
              type=click.Choice(["auto", "folder", "last-folder", "column", "none"]),
              help="Where classes are, as for nada data import.")  # fmt: skip
@click.option("--image-column", metavar="NAME", help="Parquet column of pictures; found if not given.")
@click.option("--label-column", metavar="NAME", help="Parquet column of classes; found if not given.")
@click.option("--text-column", metavar="NAME", help="Parquet column of captions; found if not given.")
@click.option("--near", default=8, show_default=True, type=click.IntRange(0, 11),
              help="Near duplicates: how many of 64 bits two perceptual hashes may differ in.")  # fmt: skip
@click.option("--samples", default=48, show_default=True, type=click.IntRange(1, 500), help="Random pictures to show.")
@click.option("--seed", default=0, show_default=True, help="Decides which pictures are shown.")
def command(
    data: str, html: str | None, as_json: bool, near: int, samples: int, seed: int, **reading: str | None
) -> None:
    """Look at the pictures of DATA before training on them.

    DATA is a folder, a .zip, a .parquet file or CIFAR-10's archive, as for nada train. Counts, sizes, colours,
    backgrounds, classes, captions, words, broken pictures, duplicates and near duplicates.

    \b
    A summary here, and a page to click through:
      nada data inspect photos/ --html report.html
    """
    import json

    from nada.data.inspection import as_text, inspect_data, summarise, write_page
    from nada.data.records import Reading

    inspection = inspect_data(data, Reading(**reading), near, samples, seed, progress=_bar("looking"))
    summary = summarise(inspection)
    text = json.dumps(summary, indent=2, ensure_ascii=False) if as_json else as_text(summary)
    click.echo(text.encode("utf-8", "backslashreplace"))  # which is how JSON writes a name that is no Unicode, too
    if html:
        write_page(html, inspection, progress=_bar("choosing examples"))
        click.echo(f"page: {html}", err=as_json)


def _bar(title: str) -> Any:
    def wrap(items: Iterable[Any], count: int) -> Iterable[Any]:
        from tqdm import tqdm

        return tqdm(items, title, count, unit=" pictures", leave=False, dynamic_ncols=True)

    return wrap
