"""The bar that tells how far a command is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def progress_bar(title: str) -> Callable[..., Iterable[Any]]:
    """Return what wraps an iteration over pictures; it is told their count, and how many of them are done already.

    Nothing is shown where nobody looks, as in a file of a batch job.
    """

    def wrap(items: Iterable[Any], count: int, done: int = 0) -> Iterable[Any]:
        from tqdm import tqdm

        return tqdm(items, desc=title, total=count, initial=done, unit="img", leave=False, disable=None)

    return wrap
