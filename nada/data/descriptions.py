"""`dataset.json`: labels as NVIDIA's tools write them, and captions beside them."""

from __future__ import annotations

import json
from typing import Any

from nada.data.classes import NO_CLASSES, Classes
from nada.errors import NadaError

DESCRIPTION = "dataset.json"
_MAX_CLASSES = 1_000_000


def read_description(data: bytes, where: str) -> tuple[Classes, dict[str, str]]:
    """The labels and the captions by file name; both are empty where the file says that there are none.

    Raises NadaError where the file makes no sense.
    """
    try:
        described = json.loads(data)
        texts = {str(name): str(text) for name, text in described.get("texts") or () if text}
        return _classes(described), texts
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError) as error:
        raise NadaError(f"the {DESCRIPTION} in {where} does not describe labels ({error}).") from error


def _classes(described: Any) -> Classes:
    if not described.get("labels"):
        return NO_CLASSES
    numbers = {str(name): int(number) for name, number in described["labels"]}
    given = described.get("label_names")
    if max(numbers.values()) > _MAX_CLASSES:  # names for that many would fill the memory
        raise ValueError(f"there are more than {_MAX_CLASSES:,} classes")
    names = tuple(str(name) for name in given or range(max(numbers.values()) + 1))
    if min(numbers.values()) < 0 or len(set(names)) < len(names):
        raise ValueError("class numbers start at 0 and class names differ")
    return Classes({name: names[number] for name, number in numbers.items()}, names)
