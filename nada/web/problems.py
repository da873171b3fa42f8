"""What may go wrong on the way: what passes, what does not, and who is to blame."""

from __future__ import annotations

from nada.errors import NadaError


class Interrupted(Exception):
    """Something that may pass. Another try may go on from there; this never leaves the package.

    Attributes:
        wait: seconds that the server asked to be left alone, if it did.
        reached: how many bytes of the file had arrived, those of earlier tries that were kept included.
    """

    def __init__(self, reason: str, wait: float | None = None, reached: int = 0) -> None:
        super().__init__(reason)
        self.wait = wait
        self.reached = reached


class OutOfRange(Interrupted):
    """The server has no bytes where we asked it to go on: the file is another one now."""


class Refused(NadaError):
    """An answer that asking again will not change. `reason` says it in a few words, without the address."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"cannot download {url}: {reason}.")
        self.reason = reason


class Unreachable(NadaError):
    """No answer, though asked again and again. `reason` says it in a few words, without the address."""

    def __init__(self, url: str, reason: str, advice: str = "") -> None:
        super().__init__(f"cannot download {url}: {reason}{advice and f'; {advice}'}.")
        self.reason = reason
