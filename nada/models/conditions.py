"""What a conditional network is asked for: a class or a text, in the forms in which people give them.

Inside, a condition is a row of numbers: one-hot for a class, a guide's embedding for a text. Whole numbers stand for
the known ones, the classes of a network or the captions that a text-conditional generator carries with it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import torch
from torch import Tensor

from nada.errors import UsageError
from nada.models.config import GeneratorConfig

Classes = Sequence[int | str] | int | str | None  # numbers or names, one for all or one for each
MOST_CLASSES, MOST_PROMPTS = 20, 5  # that an error lists; a generator may know many prompts, and they are long


def condition_rows(labels: Tensor | None, count: int, config: GeneratorConfig, known: Tensor | None) -> Tensor | None:
    """Return `(count, condition_dim)` rows from numbers `(count,)` or rows; None for an unconditional network.

    Args:
        known: `(num_conditions, condition_dim)`, the rows that numbers stand for; None if unconditional.

    Raises:
        UsageError: if a condition is needed and none is given, does not exist, or has another form.
    """
    if known is None:
        return None
    if labels is None:
        raise UsageError(_needed(config))
    rows = labels
    if labels.ndim == 1 and (config.num_classes or not labels.is_floating_point()):
        _check_numbers(labels, config)
        rows = known[labels.long()]
    if tuple(rows.shape) != (count, config.condition_dim):
        raise UsageError(
            f"Conditions of {count} pictures are {count} numbers or {count} rows of {config.condition_dim}, "
            f"not {list(labels.shape)}."
        )
    return rows.float()


def _needed(config: GeneratorConfig) -> str:
    last = config.num_conditions - 1
    if config.num_classes:
        return f"This generator needs a class for every picture (0 to {last})."
    known = f", or the number of one that it knows (0 to {last})" if config.prompts else ""
    return f"This generator needs a text for every picture: rows of {config.text_dim} numbers{known}."


def _check_numbers(numbers: Tensor, config: GeneratorConfig) -> None:
    """Raise UsageError for a number that no condition has."""
    kind, count = ("Classes", config.num_classes) if config.num_classes else ("Known texts", config.num_conditions)
    if numbers.numel() and not 0 <= int(numbers.min()) <= int(numbers.max()) < count:
        there_are = f"go from 0 to {count - 1}" if count else "are none in this generator"
        raise UsageError(f"{kind} {there_are}; got {sorted(set(numbers.tolist()))}.")


def condition_numbers(seeds: Sequence[int], config: GeneratorConfig, classes: Classes = None) -> Tensor | None:
    """Return one condition's number for every seed: those of `classes`, one for all, or `seed % num_conditions`.

    None if the network is unconditional. Raises UsageError for another number of classes than of seeds, and for a name
    that the network does not know.
    """
    if config.condition_dim == 0:
        return None
    if classes is None:
        if not config.num_conditions:
            raise UsageError(_needed(config))
        classes = [seed % config.num_conditions for seed in seeds]
    elif isinstance(classes, (int, str)):  # a name is one class, not one for each of its letters
        classes = [classes] * len(seeds)
    if len(classes) != len(seeds):
        given = "1 class was" if len(classes) == 1 else f"{len(classes)} classes were"
        one = "1 seed" if len(seeds) == 1 else f"{len(seeds)} seeds"
        raise UsageError(f"{given} given for {one}; give one name or number for all, or a list of one for each.")
    numbers = [class_number(config, one, "class") if isinstance(one, str) else one for one in classes]
    return torch.tensor(numbers, dtype=torch.long)


def shared_rows(conditions: Tensor, count: int) -> Tensor:
    """Return `conditions`, one row for each of `count` pictures or one `(D,)` or `(1, D)` for all, as `(count, D)`."""
    rows = conditions if conditions.ndim == 2 else conditions[None]
    return rows.expand(count, -1) if len(rows) == 1 else rows


def class_number(network: GeneratorConfig, name: str, option: str = "--class") -> int:
    """Return the number of a class or known prompt given by name or number. Raises UsageError listing what there is.

    `option` is how the error calls what was given.
    """
    names, count = network.condition_names, network.num_conditions
    if name in names:
        return names.index(name)
    if name.isdecimal() and int(name) < count:
        return int(name)
    if not count:
        raise UsageError(f"{option} {name}: this generator has no classes and knows no prompts.")
    if not names:
        raise UsageError(f"{option} {name}: there is no such class; there are 0 to {count - 1}.")
    kind, most = ("class", MOST_CLASSES) if network.num_classes else ("prompt", MOST_PROMPTS)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}? " if near else ""
    more = f" and {count - most} more" if count > most else ""
    raise UsageError(f"{option} {name}: there is no such {kind}; {hint}there are {', '.join(names[:most])}{more}.")
