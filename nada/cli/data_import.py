"""`nada data import`: pictures from almost anywhere, as one zip of equal squares."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from nada.cli.bars import progress_bar
from nada.config import SectionedCommand, options_of
from nada.config.data import ImportConfig

if TYPE_CHECKING:
    from nada.data.importing import ImportReport

_SHOWN = 5  # names of pictures left out


@click.command("import", cls=SectionedCommand)
@click.argument("source", metavar="SRC")
@click.argument("out", metavar="OUT.zip")
@options_of(ImportConfig)
def command(config: ImportConfig, source: str, out: str) -> None:
    """Make one zip of equal squares, with classes and captions, of the pictures in SRC.

    SRC is a folder (nested as it may be), a zip, a parquet file or a folder of them (needs pip install pyarrow), or
    CIFAR-10's published archive.
    The zip has the layout of NVIDIA's tools: PNG files and a dataset.json with labels and captions. Broken pictures
    are left out and listed there. The same input gives the same bytes; an import that was interrupted goes on where
    it was when it is started again.

    \b
      nada data import photos/ photos.zip --size 256
      nada data import logos.parquet logos.zip --size 256 --fit pad --text-column text
      nada data import cifar-10-python.tar.gz cifar10.zip --size 32
      nada data import cifar-10-python.tar.gz cifar10-test.zip --size 32 --include 'test/*'
      nada data import shapes.zip shapes64.zip --size 64 --class-from folder
    """
    from pathlib import Path

    from nada.data.fitting import Fit
    from nada.data.importing import import_pictures
    from nada.data.records import Reading
    from nada.data.wording import skipped_lines
    from nada.errors import UsageError
    from nada.files import write_text

    if Path(out).exists() and not config.force:
        raise UsageError(f"{out} is there already; give another name, or --force to replace it.")
    if any(count is not None and count < 1 for count in (config.limit, config.workers)):
        raise UsageError("--limit and --workers are at least 1.")
    reading, fit = Reading(**config.reading()), Fit(config.size, config.fit, config.background)
    try:
        report = import_pictures(source, out, fit, reading, config.limit, config.workers, progress_bar("importing"))
    except KeyboardInterrupt:
        click.echo("nada: interrupted; the same command goes on where it was.", err=True)
        sys.exit(130)
    if config.skipped:
        write_text(config.skipped, skipped_lines(report.skipped))
    click.echo(_summary(report, config))


def _summary(report: ImportReport, config: ImportConfig) -> str:
    from nada.data.wording import plural, printable

    head = [f"{report.out}: {plural(report.pictures, 'picture')}, {config.size} px"]
    if report.classes:
        head.append(plural(len(report.classes), "class", "classes"))
    if report.captions:
        head.append(plural(report.captions, "caption"))
    lines = [", ".join(head)]
    if report.note:
        lines.append(f"note: {report.note}; --class-from none says that it is meant")
    if report.resumed:
        lines.append(f"went on from picture {report.resumed:,}, where an earlier import was interrupted")
    if report.skipped:
        count = plural(len(report.skipped), "picture that", "pictures that")
        shown = "; ".join(f"{printable(name)}: {printable(reason)}" for name, reason in report.skipped[:_SHOWN])
        lines.append(f"left out: {count} cannot be read: {shown}{'; …' if len(report.skipped) > _SHOWN else ''}")
    if report.ignored:
        count = plural(len(report.ignored), "file that is not a picture", "files that are not pictures")
        shown = ", ".join(map(printable, report.ignored[:_SHOWN]))
        lines.append(f"left out: {count}: {shown}{', …' if len(report.ignored) > _SHOWN else ''}")
    if config.size & (config.size - 1):
        lines.append(f"note: {config.size} is not a power of two; nada train will resize the pictures again")
    return "\n".join(lines)
