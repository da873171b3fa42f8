"""`nada export`: a run or generator as others can read it, in a folder or on the Hugging Face hub."""

from __future__ import annotations

import os
import sys

import click

from nada.config import SectionedCommand, options_of
from nada.config.export import ExportConfig


@click.command("export", cls=SectionedCommand)
@click.argument("run", metavar="RUN|SPEC", default="latest")
@options_of(ExportConfig)
def command(config: ExportConfig, run: str) -> None:
    """Write RUN as others can read it: safetensors, config.json, pictures and a model card with its numbers.

    \b
    RUN is a run of nada adapt or nada train (latest, if not given: the newest below runs/), an
    adaptation.safetensors, or any other generator that nada adapt takes.

    \b
    A folder; nada.load_generator("my-logo") reads it:
      nada export latest --to my-logo --license cc-by-4.0
    See what would be uploaded, then upload it, for yourself alone (needs hf auth login, or HF_TOKEN):
      nada export latest --to hf:you/minimal-logo --dry-run
      nada export latest --to hf:you/minimal-logo
    A small file for those who have the base:
      nada export latest --to my-logo-small --only adaptation

    Paths of this machine are left out of everything that is written. Run nada evaluate first, so that the card has
    numbers. The same run gives the same bytes.
    """
    from nada.errors import UsageError

    if config.to is None:
        raise UsageError("Missing destination: --to FOLDER, or --to hf:owner/name.")
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    if not sys.stderr.isatty():  # bars are for people; huggingface_hub draws its own into files, too
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from nada.sharing import export

    done = export(
        run,
        config.to,
        only=config.only,
        license=config.license,
        base=config.base,
        public=config.public,
        force=config.force,
        dry_run=config.dry_run,
    )
    for remark in done.remarks:
        click.echo(f"nada: note: {remark}", err=True)
    for name, size in done.files.items():
        click.echo(f"{size:>13,}  {name}")
    verb = "would be written to" if done.dry_run else "written to"
    click.echo(f"{sum(done.files.values()) / 1e6:.1f} MB {verb} {done.url or done.target}; weights {done.weights_sha256}")
