"""`nada mix`: domains added, scaled and mixed in weight space, and kept as a small file or a whole generator."""

from __future__ import annotations

import click

from nada.config import SectionedCommand, options_of
from nada.config.mix import MixConfig


@click.command("mix", cls=SectionedCommand)
@click.argument("domains", metavar="DOMAIN...", nargs=-1, required=True)
@options_of(MixConfig)
def command(config: MixConfig, domains: tuple[str, ...]) -> None:
    """Add, scale and mix adaptations of one generator; no training, no pictures needed.

    \b
    DOMAIN is a run folder of nada adapt, its adaptation.safetensors, or an earlier mix.
      nada mix runs/00000-image-to-minimal-logo runs/00001-photo-to-pencil-sketch --weights 0.7,0.3
    Half as strong, as a folder that every nada command reads:
      nada mix runs/00000-image-to-minimal-logo --weights 0.5 --as generator --out softer-logo
    A style carried over to a sibling of its base (works best for --layers style-offset@all):
      nada mix runs/00002-photo-to-pencil-sketch --base my-fine-tuned-generator --force

    \b
    What comes out is used like any generator:
      nada evaluate --model runs/00003-mix-minimal-logo-pencil-sketch
      nada adapt --generator softer-logo --source image --target "pixel art"
    """
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    from nada.mixing import run_mix

    run_mix(config, domains, say=click.echo)
