"""`nada train`: a generator of your own, from your own pictures."""

from __future__ import annotations

import sys

import click

from nada.config import options_of
from nada.config.train import TrainConfig


@click.command("train")
@options_of(TrainConfig)
def command(config: TrainConfig) -> None:
    """Train a StyleGAN2 generator from pictures, class-conditional where they have classes.

    \b
    A small one, on a CPU (about an hour; stop with Ctrl-C, go on with --resume latest):
      nada train --data fruits.zip --size 64 --channels 64 --z-dim 64 --w-dim 128 --gamma 0.1
    The generator is in the run folder; use it with:
      nada adapt --generator runs/00000-train-fruits-64px --source "photo" --target "sketch"
    """
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    from nada.training.run import run_training

    outcome = run_training(config, say=click.echo)
    if outcome is not None and not outcome.finished:
        click.echo(f"Interrupted; go on with: nada train --resume {outcome.folder}", err=True)
        sys.exit(130)
