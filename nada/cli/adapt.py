"""`nada adapt`: from a source prompt to a target prompt."""

from __future__ import annotations

import json
import sys

import click

from nada.config import SectionedCommand, given_options, options_of
from nada.config.adapt import AdaptConfig


@click.command("adapt", cls=SectionedCommand)
@options_of(AdaptConfig)
def command(config: AdaptConfig) -> None:
    """Adapt a generator from a SOURCE to a TARGET description, without a single picture of the target.

    \b
    Try it, offline and without a GPU, in about a minute:
      nada adapt --source "image" --target "minimal logo"
    Then look at before-after.png in the new folder under runs/, and at the curves with:
      tensorboard --logdir runs
    """
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    from nada.adaptation.plan import make_plan
    from nada.adaptation.run import run_adaptation

    if config.dry_run:
        click.echo(json.dumps(make_plan(config).describe(), indent=2))
        return
    outcome = run_adaptation(config, announce=click.echo, given=given_options())
    if outcome.result is None:
        click.echo(f"Interrupted; go on with: nada adapt --resume {outcome.folder}", err=True)
        sys.exit(130)
    result = outcome.result
    click.echo(
        f"{result['steps']} steps in {result['seconds']:.0f} s ({result['ended']}; weights of step "
        f"{result['best_step']}), loss {result['first_loss']:.2f} to {result['last_loss']:.2f}.\n"
        f"Pictures: {outcome.folder / 'before-after.png'}\nCurves:   tensorboard --logdir {outcome.folder.parent}"
    )
