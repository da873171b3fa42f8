"""The command line: one group, whose commands are imported when they are called."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

import click

from nada import __version__
from nada.cli.groups import LazyGroup
from nada.errors import NadaError, lack_of_memory

# The names and short helps stand here so that `nada --help` need not import a command.
COMMANDS = {
    "adapt": "Move a generator from a source to a target description.",
    "freeze-study": "Find out which layers should move, by a grid of adaptations.",
    "evaluate": "Say how good a generator is, in numbers with their protocol.",
    "generate": "Make pictures by seed, at any strength, mixed in style, or found by a sentence.",
    "interpolate": "Make a film of a walk between latents, domains or photographs.",
    "mix": "Add, scale and mix adaptations of one generator; no training.",
    "invert": "Find your own photographs in a generator, and show them in any adaptation.",
    "train": "Train a generator of your own on a folder, zip or parquet of pictures.",
    "data": "Import, inspect and download pictures to train on.",
    "models": "List, show and fetch pretrained generators.",
    "export": "Share a run or generator: a folder or Hugging Face repository with a model card.",
    "convert": "Write any readable generator as a folder, a rosinality .pt or ONNX.",
    "doctor": "Tell what this machine has, and whether the fused operators work.",
}


# Options of commands that need less of a GPU's memory, and how to tell of them; those that change no result come first.
_SPARING = {
    "accumulate": "a larger --accumulate",
    "checkpointing": "--checkpointing",
    "graph": "--no-graph",
    "batch": "a smaller --batch",
    "device": "another --device",
}


def _show_warning(message: Warning | str, *_: Any) -> None:
    """One line for people, without the file and line of code that gave it."""
    click.echo(f"nada: warning: {message}", err=True)


class _Main(LazyGroup):
    """The group of all commands: whatever goes wrong in one costs a line and an exit code."""

    def main(self, *arguments: Any, standalone_mode: bool = True, **options: Any) -> Any:
        """Like click's, but a wrong option or command costs one line instead of four."""
        if not standalone_mode:
            return super().main(*arguments, standalone_mode=False, **options)
        try:
            code = super().main(*arguments, standalone_mode=False, **options)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            hint = f" (see {context.command_path} --help)" if context else ""
            click.echo(f"nada: {' '.join(error.format_message().split())}{hint}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo("nada: interrupted.", err=True)
            sys.exit(130)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, context: click.Context) -> Any:
        """Run a command; a mistake becomes one line on stderr and an exit code."""
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                return super().invoke(context)
        except (NadaError, OSError) as error:
            if os.environ.get("NADA_TRACEBACK") or isinstance(error, BrokenPipeError):
                raise  # click ends quietly where a pipe's reader has gone
            click.echo(f"nada: {error}", err=True)
            sys.exit(getattr(error, "exit_code", 1))
        except RuntimeError as error:
            told = self._tell_of_gpu(context, error)
            if told is None or os.environ.get("NADA_TRACEBACK"):
                raise
            click.echo(f"nada: {told}", err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            click.echo("nada: interrupted.", err=True)
            sys.exit(130)

    def _tell_of_gpu(self, context: click.Context, error: RuntimeError) -> str | None:
        """What to say of an error that torch raises for a GPU, which it has no common type for; None for any other."""
        lack = lack_of_memory(error)
        if lack is not None:
            name = context.invoked_subcommand
            has = {parameter.name for parameter in self.get_command(context, name).params} if name else set()
            options = [text for name, text in _SPARING.items() if name in has]
            return f"{lack}; what helps: {', '.join([*options, 'ending other programs that use it'])}."
        if type(error).__name__ == "AcceleratorError":
            return f"the GPU failed ({str(error).splitlines()[0]}); nada doctor tells what works on this machine."
        return None


_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group("nada", cls=_Main, table=COMMANDS, module="nada.cli.{}", context_settings=_SETTINGS)
@click.version_option(__version__, prog_name="nada")
def main() -> None:
    """Move a pretrained StyleGAN2 generator into a style that you name in words.

    \b
    Try this first; it works offline and without a GPU:
      nada adapt --source "image" --target "minimal logo"

    Every command explains its options with --help. NADA_TRACEBACK=1 shows where an error came from.
    """
