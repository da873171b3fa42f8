"""`nada invert`: your own photographs as a generator's pictures, and through any adaptation."""

from __future__ import annotations

import sys

import click

from nada.config import SectionedCommand, options_of
from nada.config.invert import InvertConfig


@click.command("invert", cls=SectionedCommand)
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True)
@options_of(InvertConfig)
def command(config: InvertConfig, photos: tuple[str, ...]) -> None:
    """Find PHOTOs, files or folders of them, among the pictures of a generator, and show them in another style.

    \b
    Any picture of a fruit, into the bundled generator, offline and without a GPU:
      nada invert apple.jpg
    Before, reconstruction and after an adaptation:
      nada invert apple.jpg lemon.png --through runs/00000-image-to-minimal-logo
    Nearer to the photograph, by moving the generator itself a little:
      nada invert apple.jpg --tune 100 --through runs/00000-image-to-minimal-logo

    Look at sheet.png in --out first. Each photograph has a folder there with its pictures, its styles
    (inversion.safetensors, projected_w.npz) and, if tuned, an adaptation.safetensors that every command reads.
    Interrupted, the same command goes on.
    """
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    from nada.inversion.run import run_inversion

    outcome = run_inversion(config, photos, say=click.echo)
    for reason in outcome.skipped.values():
        click.echo(f"nada: left out: {reason}", err=True)
    if not outcome.finished:
        click.echo(
            f"Interrupted with {outcome.done} of {outcome.photos} photographs finished; the same command goes on.", err=True
        )
        sys.exit(130)
