"""Errors that a person can act on; the command line prints them as one line."""

from __future__ import annotations

import re

_NO_MEMORY = re.compile(r"out of memory|_ALLOC_FAILED", re.IGNORECASE)  # torch, the driver; cuBLAS and cuDNN
_ASKED_FOR = re.compile(r"Tried to allocate ([\d.]+ \w+)")


class NadaError(ValueError):
    """Bad input or a bad file. The message is one sentence: what was wrong, where, what to do."""

    exit_code = 1


class UsageError(NadaError):
    """An option or argument that makes no sense; the command line exits with 2, as click does."""

    exit_code = 2


def lack_of_memory(error: RuntimeError) -> str | None:
    """Return the beginning of a sentence on a GPU with too little memory, None for an error of another cause.

    Known by its name and text: this module goes without torch, and torch has a type only for its own lack of memory.
    """
    if type(error).__name__ != "OutOfMemoryError" and not _NO_MEMORY.search(str(error)):
        return None
    asked = _ASKED_FOR.search(str(error))
    return "the GPU has too little memory" + (f" (another {asked[1]} was asked for)" if asked else "")
