"""Pairs of prompts in a file, one in a line:

    # what comes behind # in a line of its own is for people
    photo -> anime style @ bird
    photo -> pencil sketch @ automobile
    image -> minimal logo

Behind a lone @ stands the class, or the known prompt, that a conditional generator shall draw. A pair without one is
adapted on the classes of `--class`, each by itself, and without these on all of them together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from nada.clip.prompts import check_prompts
from nada.errors import NadaError, UsageError
from nada.models import GeneratorConfig
from nada.models.conditions import class_number
from nada.study.results import Pair

FORM = "write them as: photo -> pencil sketch @ bird"
_LARGEST = 1_000_000  # bytes; a larger file is no list of prompts


def read_pairs(path: str | Path) -> list[Pair]:
    """Read a file of pairs. Raises NadaError for a file that cannot be read, UsageError naming the line that is wrong."""
    path = Path(path)
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} is too large to be a list of prompts; {FORM}.")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise NadaError(f"cannot read {path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8; {FORM}.") from error
    found: dict[Pair, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pair = _parse(line, f"{path}, line {number}")
        if pair in found:
            raise UsageError(f"{path}, line {number}: the same pair stands in line {found[pair]}; take one of them out.")
        found[pair] = number
    if not found:
        raise UsageError(f"There are no pairs of prompts in {path}; {FORM}.")
    return list(found)


def _parse(line: str, place: str) -> Pair:
    prompts, *classes = re.split(r"\s@\s", f" {line} ")
    ends = re.split(r"\s->\s", prompts)
    if len(ends) != 2 or len(classes) > 1 or (classes and not classes[0].strip()):
        raise UsageError(f"{place}: {line.strip()!r} is no pair of prompts; {FORM}.")
    try:
        source, target = check_prompts(*ends)
    except UsageError as error:
        raise UsageError(f"{place}: {error}") from error
    return Pair(source, target, tuple(name.strip() for name in classes))


def crossed(pairs: Sequence[Pair], classes: Sequence[str]) -> list[Pair]:
    """Give each pair that has no class of its own every one of `classes`, where there are some."""
    made: list[Pair] = []
    for pair in pairs:
        some = not pair.classes and classes
        made += [Pair(pair.source, pair.target, (name,)) for name in classes] if some else [pair]
    return list(dict.fromkeys(made))


def named(pair: Pair, network: GeneratorConfig) -> Pair:
    """The pair with its class by name where it was given by number. Raises UsageError for one that does not exist."""
    names = network.condition_names
    numbers = [class_number(network, name) for name in pair.classes]
    return pair._replace(classes=tuple(names[number] if names else str(number) for number in numbers))
