"""`nada freeze-study`: which layers should move."""

from __future__ import annotations

import sys

import click

from nada.config import SectionedCommand, options_of
from nada.config.study import StudyConfig


@click.command("freeze-study", cls=SectionedCommand)
@options_of(StudyConfig)
def command(config: StudyConfig) -> None:
    """Find out which layers of a generator should move, by adapting all of them in turn and judging what comes of it.

    Every policy of --layers is tried for every pair of prompts, learning rate and seed, on the same latents and draws,
    and measured by a judge that did not guide. Each cell of that grid is an ordinary run folder in OUT/cells; study.csv,
    study.json and report.html hold the comparison. Interrupted or killed, the same command goes on where it was.

    \b
    A small one to look at, offline and without a GPU:
      nada freeze-study --quick --generator demo-cifar10 --source photo --target "anime style" --class bird --jobs 2
    What it would do and how long that might take:
      nada freeze-study --source photo --target "pencil sketch" --jobs 2 --dry-run
    A grid of your own:
      nada freeze-study --pairs pairs.txt --layers late:2 --layers all --lr x0.5,auto,x2 --seeds 0-4 --jobs 4
    One job of an array of eight, and the tables of all of them:
      nada freeze-study --pairs pairs.txt --shard $SLURM_ARRAY_TASK_ID/8
      nada freeze-study --report-only
    """
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    from nada.study import run_study

    study = run_study(config, say=click.echo)
    if study is None:
        return
    if study.interrupted:
        click.echo("Interrupted; the same command goes on with the cells that are left.", err=True)
        sys.exit(130)
    sys.exit(1 if study.failed else 0)
