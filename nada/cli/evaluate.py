"""`nada evaluate`: how good a generator is, in numbers that say how they were made."""

from __future__ import annotations

import click

from nada.config import SectionedCommand, options_of
from nada.config.evaluate import EvaluateConfig


@click.command("evaluate", cls=SectionedCommand)
@options_of(EvaluateConfig)
def command(config: EvaluateConfig) -> None:
    """Say how good a generator is: close to real pictures, true to a prompt, and what an adaptation kept.

    \b
    The newest run, against the generator it came from and the prompt it was made for:
      nada evaluate
    A generator against pictures, offline and without a GPU:
      nada evaluate --model demo --reference fruits.zip
    The numbers of the papers; the network is fetched once, or given as inception=FILE:
      nada evaluate --model ffhq-256 --reference ffhq.zip --num 50000 --metrics fid,kid,is
    On the GPUs of one machine, with the same result:
      torchrun --nproc-per-node 4 -m nada evaluate --model runs/00000-train-fruits-64px --pictures 50000

    A distance that is not of Inception's features is called fd_NAME and is no FID. Every number has an interval; what
    makes one doubtful stands below the table.
    """
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    from nada.errors import NadaError
    from nada.evaluation import run_evaluation
    from nada.files import readable

    result = run_evaluation(config, say=lambda line: click.echo(readable(line)))
    if result is not None and result.missing:
        raise NadaError(f"{', '.join(result.missing)} could not be had; why stands below the table.")
