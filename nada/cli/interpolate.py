"""`nada interpolate`: walks between latents, domains and photographs, as GIF, MP4 or PNGs."""

from __future__ import annotations

import click

from nada.config import SectionedCommand, options_of
from nada.config.interpolate import InterpolateConfig


@click.command("interpolate", cls=SectionedCommand)
@options_of(InterpolateConfig)
def command(config: InterpolateConfig) -> None:
    """Make a film of a walk: from latent to latent, from a source to its domain, from one photograph to another.

    \b
    Through four fruits and back, offline and without a GPU:
      nada interpolate --loop --size 256
    Three apples as an MP4, slower at each:
      nada interpolate --seeds 1,2,3 --class apple --easing smooth --loop --size 256 --out apples.mp4
    Eight latents from the source into their new domain and back, half as much again as it was adapted:
      nada interpolate --model latest --from-strength 0 --to-strength 1.5 --seeds 0-7 --columns 4 --loop
    From the source to a logo and on to a sketch:
      nada interpolate --to runs/00000-image-to-minimal-logo --to runs/00001-photo-to-pencil-sketch --label --size 192
    Before and after, walking together:
      nada interpolate --model latest --compare --seeds 0-5 --columns 3 --loop
    Between two photographs, through their inversions:
      nada interpolate --from-picture one.jpg --to-picture two.jpg --loop --size 256

    The same settings give the same frames, whatever the kind of film; they stand in its metadata.
    """
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    from nada.cli.bars import progress_bar
    from nada.interpolation.run import run_interpolation

    run_interpolation(config, say=click.echo, bar=progress_bar)
