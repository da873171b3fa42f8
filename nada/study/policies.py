"""The layer policies of a study: those that it takes by itself, and which of them are the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nada.adaptation.settings import published_settings, resolve
from nada.models import Generator
from nada.selection import Selection, select_parameters
from nada.study.results import NONE


class Policies(NamedTuple):
    """Policies that select different parameters; `aliases` names, for every one that was left out, the one it equals."""

    kept: tuple[str, ...]
    aliases: dict[str, str]


def default_policies(generator: Generator) -> tuple[str, ...]:
    """Every way to choose blocks that the field talks about, and two that move few numbers in all of them.

    The adaptive ones choose as many layers as the published notebook: two thirds.
    """
    sizes = [name.removeprefix("b") for name in generator.block_names]
    counts = range(1, len(sizes))
    published = resolve(published_settings(), generator.config).layers
    assert published is not None
    return (
        NONE,
        *(f"blocks:{size}" for size in sizes),
        *(f"early:{count}" for count in counts),
        *(f"late:{count}" for count in counts),
        "all",
        published.replace("auto-official", "auto"),
        published,
        "affine@all",
        "style-offset@all",
    )


def distinct(generator: Generator, policies: Sequence[str]) -> Policies:
    """Leave out policies that select what an earlier one does. `none` is always there, and first.

    Raises:
        UsageError: for a policy that cannot be read or that selects nothing on this generator.
    """
    kept: dict[object, str] = {NONE: NONE}
    aliases: dict[str, str] = {}
    for policy in map(str.strip, policies):
        what = NONE if policy == NONE else _identity(select_parameters(generator, policy))
        first = kept.setdefault(what, policy)
        if first != policy:
            aliases[policy] = first
    return Policies(tuple(kept.values()), aliases)


def _identity(selection: Selection) -> object:
    """What a policy does: which parameters may move and, where layers are chosen, how many of which."""
    return frozenset(selection.names), selection.top_k, selection.layer_names
