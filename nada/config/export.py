"""The options of `nada export`. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from nada.config.fields import option


@dataclass(frozen=True)
class ExportConfig:
    """Where an export goes, and what it says of itself."""

    to: str | None = option(
        None,
        section="Output",
        alias="out",
        help="A folder to write, or hf:owner/name for the Hugging Face hub (hf:owner/name@branch for a branch of it). "
        "Nothing leaves this machine without hf:.",
    )
    public: bool = option(False, help="On the hub: let everybody see a new repository. Without this it is private.")
    force: bool = option(False, alias="overwrite", help="Replace an older export although files in it were edited since.")
    dry_run: bool = option(False, help="List the files and their sizes; write and send nothing.")

    only: str | None = option(
        None,
        section="What",
        choices=("adaptation",),
        help="adaptation: the few tensors that moved, without the weights of the base. Others load the base by its name.",
    )
    license: str | None = option(
        None, help="Licence of the weights: mit, cc-by-4.0, … or any name. Not given, the card says that it is unknown."
    )
    base: str | None = option(
        None, help="Name under which others find the generator that was adapted, as hf:owner/name; its weights are compared."
    )
