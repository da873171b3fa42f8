"""A zip that is written piece by piece, whose pieces can be found again after a crash, and whose bytes never vary.

Python's zipfile cannot go on with a zip whose directory has not been written yet, and notes its own version. Entries
here are stored, not compressed; the format is PKWARE's APPNOTE 6.3 with its 64 bit records where they are needed.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO, NamedTuple

_DATE = (1 << 5) | 1  # 1 January 1980, the first day a zip knows
_PLAIN, _LARGE = 20, 45  # versions needed to read: 2.0, and 4.5 for 64 bit
_UTF8 = 1 << 11
_UNIX = 3 << 8
_MODE = 0o100644 << 16
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF


class Entry(NamedTuple):
    """A file in the zip: its name, where its header begins, its size and its checksum."""

    name: str
    offset: int
    size: int
    crc: int


class StoredZip:
    """Appends entries to a binary file at its position; `entries` are those already there, in order."""

    def __init__(self, file: BinaryIO, entries: list[Entry] | None = None) -> None:
        self.file, self.entries = file, list(entries or ())
        self.end = after(self.entries[-1]) if self.entries else 0
        file.seek(self.end)
        file.truncate()

    def add(self, name: str, data: bytes) -> Entry:
        """Append a file of less than 4 GB."""
        entry = Entry(name, self.end, len(data), zlib.crc32(data))
        encoded = name.encode()
        fields = (_PLAIN, _UTF8, 0, 0, _DATE, entry.crc, entry.size, entry.size, len(encoded), 0)
        self.file.write(struct.pack("<4s5H3I2H", b"PK\x03\x04", *fields) + encoded)
        self.file.write(data)
        self.entries.append(entry)
        self.end = after(entry)
        return entry

    def finish(self) -> None:
        """Append the directory; after that the file is a zip."""
        size = sum(self.file.write(_directory_entry(entry)) for entry in self.entries)
        count, start = len(self.entries), self.end
        if count >= _MAX16 or start >= _MAX32 or size >= _MAX32:
            fields = (44, _UNIX | _LARGE, _LARGE, 0, 0, count, count, size, start)
            self.file.write(struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", *fields))
            self.file.write(struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1))
        short = (min(count, _MAX16), min(count, _MAX16), min(size, _MAX32), min(start, _MAX32))
        self.file.write(struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, *short, 0))


def after(entry: Entry) -> int:
    """Where the next entry begins."""
    return entry.offset + 30 + len(entry.name.encode()) + entry.size


def _directory_entry(entry: Entry) -> bytes:
    name = entry.name.encode()
    large = entry.offset >= _MAX32
    extra = struct.pack("<2HQ", 1, 8, entry.offset) if large else b""
    fields = (_UNIX | _LARGE, _LARGE if large else _PLAIN, _UTF8, 0, 0, _DATE, entry.crc, entry.size, entry.size)
    rest = (len(name), len(extra), 0, 0, 0, _MODE, min(entry.offset, _MAX32))
    return struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *fields, *rest) + name + extra
