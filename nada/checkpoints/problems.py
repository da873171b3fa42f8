"""What can be wrong with a file, before anybody knows its name."""

from __future__ import annotations

from nada.errors import NadaError


def printable(text: str, limit: int = 400) -> str:
    """Return text from a file such that it cannot break a line or steer a terminal."""
    return "".join(char if char.isprintable() else "?" for char in text[:limit])


class BadFile(NadaError):
    """What is wrong with a file's content, as the end of a sentence that begins with its name."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class ForbiddenName(BadFile):
    """A pickle asks for something that is not on the list; `name` is `module.name`."""

    def __init__(self, name: str) -> None:
        self.name = name[:200]
        super().__init__(
            f"asks to load {self.name!r}, which no generator needs; nothing of it was run. "
            "Use a file from a source you trust"
        )
