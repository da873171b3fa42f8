"""Errors that a person can act on; the command line prints them as one line."""

from __future__ import annotations


class NadaError(ValueError):
    """Bad input or a bad file. The message is one sentence: what was wrong, where, what to do."""

    exit_code = 1


class UsageError(NadaError):
    """An option or argument that makes no sense; the command line exits with 2, as click does."""

    exit_code = 2
