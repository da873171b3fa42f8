"""`nada train`: a generator of your own, from your own pictures."""

from __future__ import annotations

import sys

import click

from nada.config import SectionedCommand, given_options, options_of
from nada.config.train import TrainConfig


@click.command("train", cls=SectionedCommand)
@options_of(TrainConfig)
def command(config: TrainConfig) -> None:
    """Train a StyleGAN2 generator from pictures, made to order by classes or captions where they have some.

    \b
    A small one, on a CPU (about an hour; stop with Ctrl-C, go on with --resume latest):
      nada train --data fruits.zip --size 64 --channels 64 --z-dim 64 --w-dim 128 --gamma 0.1
    By captions, and on the GPUs of one machine:
      nada train --data logos.parquet --size 64 --cond text
      torchrun --nproc-per-node 4 -m nada train --data logos.parquet --size 256 --batch 64
    Fine-tuning on few pictures:
      nada train --data few/ --size 256 --init ffhq256.pkl --freeze-d 4 --mirror
    The generator is in the run folder, the best one by --metrics in its best/; use it with:
      nada adapt --generator runs/00000-train-fruits-64px/best --source "photo" --target "sketch"
    """
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    from nada.cli.bars import progress_bar
    from nada.training.run import run_training

    outcome = run_training(config, say=click.echo, bar=progress_bar("reading"), given=given_options())
    if outcome is None or outcome.finished:
        return
    if outcome.ended == "duration":
        click.echo(f"Time is up; go on with: nada train --resume {outcome.folder}")
        return
    click.echo(f"Interrupted; go on with: nada train --resume {outcome.folder}", err=True)
    sys.exit(130)
