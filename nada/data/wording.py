"""How counts and names are said: in the singular or plural, and such that no name can steer a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from nada.data.records import Skipped


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: "1 picture", "1,858 pictures"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def printable(text: str) -> str:
    """A name as a terminal may show it: what steers one, or is no Unicode, is written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def skipped_lines(skipped: Iterable[Skipped]) -> str:
    """The content of a list of pictures that were left out: a name, a tab and the reason on each line."""
    return "".join(f"{printable(name)}\t{printable(reason)}\n" for name, reason in skipped)
