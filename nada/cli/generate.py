"""`nada generate`: pictures by seed, at any strength, mixed, or searched for by a sentence."""

from __future__ import annotations

import sys

import click

from nada.config import SectionedCommand, options_of
from nada.config.generate import GenerateConfig


@click.command("generate", cls=SectionedCommand)
@options_of(GenerateConfig)
def command(config: GenerateConfig) -> None:
    """Make pictures with a generator or an adaptation, one PNG for each seed, its settings inside.

    \b
    Sixteen fruits and a sheet of them, offline and without a GPU:
      nada generate --grid
    A thousand apples; the same line goes on where Ctrl-C ended it:
      nada generate --class apple --num 1000 --out apples
    The newest adaptation, half way and all the way, and before beside after:
      nada generate --model latest --strength 0 --strength 0.5 --strength 1
      nada generate --model latest --paired
    The same picture again, or at another strength:
      nada generate --like generated/demo/seed0007.png --truncation 0.5
    Shapes of some seeds with the colours of others:
      nada generate --mix-rows 0-3 --mix-cols 10-14 --mix-layers fine
    The five of 200 pictures that show it best, and moved further towards it:
      nada generate --prompt "red apple" --best 5 --of 200 --optimise

    Files are called seed0007.png, seed0007-before.png, seed0007-strength0.5.png. Nothing is overwritten: files that are
    there and have the same settings are kept, others are refused. The batch and the number of threads change no byte.
    """
    from nada.allocator import tune_allocator, tune_threads

    tune_allocator()
    tune_threads()
    from nada.generation.run import run_generation

    outcome = run_generation(config, say=click.echo)
    if not outcome.finished:
        done = outcome.made + outcome.kept
        click.echo(f"Interrupted with {done} pictures in {outcome.folder}; the same command goes on from there.", err=True)
        sys.exit(130)
    made = "1 picture" if outcome.made == 1 else f"{outcome.made} pictures"
    kept = f", {outcome.kept} were there already" if outcome.kept else ""
    click.echo(f"{made} made{kept}: {outcome.folder}")
    for path in (*outcome.sheets, *([config.json] if config.json else ())):
        click.echo(f"Written: {path}")
