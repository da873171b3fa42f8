"""Read a pickle as data: a stack machine that knows a few names and calls nothing outside its own table.

Python's unpickler runs whatever a file names. Even a restricted one sets attributes and calls `__setstate__`
on what it has built, and reserves memory that the file merely claims to need. Here the standard library only
cuts the bytes into opcodes (`pickletools.genops`); `machine` does what they say, on plain containers.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO

from nada.checkpoints.machine import MAX_COST, Names, PickleMachine, new_dict, new_set
from nada.checkpoints.problems import BadFile
from nada.errors import NadaError

MAX_BYTES = 2 << 30  # of all values in one pickle; a 1024 px release has 0.4 GB
_MAX_LINE = 1000


class _Reader:
    """What `pickletools` reads from: refuses to reserve memory for more than a generator has."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream, self.tell, self.left = stream, stream.tell, MAX_BYTES

    def read(self, count: int) -> bytes:
        """Return at most `count` bytes."""
        self.left -= count
        if self.left < 0:
            raise BadFile("announces more data than any generator has; it is damaged, or it was made to do harm")
        return self.stream.read(count)

    def readline(self) -> bytes:
        """Return a line, or the beginning of a long one, which no name is."""
        line = bytearray()
        while len(line) < _MAX_LINE and not line.endswith(b"\n") and (byte := self.read(1)):
            line += byte
        return bytes(line)


def encode(text: str, encoding: str = "latin1") -> bytes:
    """Stand in for `_codecs.encode`, by which protocol 2 writes bytes."""
    if encoding != "latin1":
        raise BadFile(f"holds bytes in the encoding {encoding[:40]!r}, which pickles never use; it may be damaged")
    return text.encode("latin1")


# What any file may use. Both spellings of the built-ins occur (protocol 2 keeps those of Python 2).
COMMON_NAMES: Names = {
    "collections.OrderedDict": new_dict,
    "_codecs.encode": encode,
    **{f"{module}.{name}": new_set for module in ("builtins", "__builtin__") for name in ("set", "frozenset")},
}


def read_pickle(
    stream: BinaryIO,
    names: Names,
    persistent: Callable[[Any], Any] | None = None,
    limit: int = MAX_COST,
) -> Any:
    """Read one pickle from `stream` and leave the stream behind it.

    Args:
        stream: anything with `read`, `readline` and `tell` that never reads more than it has (BytesIO, mmap).
        names: the globals it may mention, `module.name`, with what stands in when called (None: nothing).
        persistent: what to make of a persistent id.
        limit: how many opcodes it may take; bounds time and memory.

    Raises:
        ForbiddenName: at the first other global, before anything is done with it.
        BadFile: if the bytes are no pickle, are cut short or use opcodes that such files never do.
    """
    machine = PickleMachine(names, persistent, limit)
    try:
        for opcode, arg, _ in pickletools.genops(_Reader(stream)):
            machine.spend(1)
            machine.step(opcode.name, arg)
        return machine.result()
    except NadaError:
        raise
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise BadFile("is damaged or cut short; download or copy it again") from error
