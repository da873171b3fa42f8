"""An import under way: a part of the zip, and beside it a list of what is in it, so that it can go on after a crash."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from nada.data.records import Skipped
from nada.data.stored_zip import Entry, StoredZip, after
from nada.files import lock_of, locked, make_folder, write_error

_EVERY = 2.0  # seconds between two points that a crash cannot undo
_VERSION = 2


class Imported(NamedTuple):
    """A picture in the zip, with its class number and its caption where it has them."""

    entry: Entry
    label: int | None
    text: str | None


class Journal:
    """The pictures done so far, in the order of the source. Made by `open_journal`."""

    def __init__(self, out: Path, key: str, part: Any, notes: Any) -> None:
        self._out, self._part, self._notes = out, part, notes
        self.pictures: list[Imported] = []
        self.skipped: list[Skipped] = []
        self._take_up(key)
        self._zip = StoredZip(part, [picture.entry for picture in self.pictures])
        self._lines: list[str] = []
        self._saved = time.monotonic()
        self.resumed = len(self)

    def __len__(self) -> int:
        """How many pictures of the source are done."""
        return len(self.pictures) + len(self.skipped)

    def add(self, data: bytes, label: int | None, text: str | None) -> None:
        """Append a PNG."""
        picture = Imported(self._zip.add(self._next_name(), data), label, text)
        self.pictures.append(picture)
        self._note([picture.entry.size, picture.entry.crc, label, text])

    def _next_name(self) -> str:
        """Pictures are numbered, and in folders of 1000, as NVIDIA's tools do it."""
        number = f"{len(self.pictures):08d}"
        return f"{number[:5]}/img{number}.png"

    def skip(self, skipped: Skipped) -> None:
        """Note a picture that is left out."""
        self.skipped.append(skipped)
        self._note(list(skipped))

    def save(self) -> None:
        """Make sure that a crash from now on loses nothing: first the pictures, then the list of them."""
        self._part.flush()
        os.fsync(self._part.fileno())
        self._notes.write("".join(self._lines))
        self._notes.flush()
        os.fsync(self._notes.fileno())
        self._lines.clear()
        self._saved = time.monotonic()

    def finish(self, name: str, description: bytes) -> None:
        """Append the description and give the zip its name; the journal is gone after that."""
        self._zip.add(name, description)
        self._zip.finish()
        self._part.flush()
        os.fsync(self._part.fileno())
        self._close()
        os.replace(self._part.name, self._out)
        Path(self._notes.name).unlink()

    def discard(self) -> None:
        """Remove what is there so far."""
        self._close()
        for file in (self._part, self._notes):
            Path(file.name).unlink(missing_ok=True)

    def _close(self) -> None:  # Windows neither renames nor removes an open file
        self._part.close()
        self._notes.close()

    def _note(self, values: list[Any]) -> None:
        self._lines.append(json.dumps(values) + "\n")
        if time.monotonic() - self._saved > _EVERY:
            self.save()

    def _take_up(self, key: str) -> None:
        """Read what an earlier import of the same input noted; begin anew where there is none."""
        head = json.dumps({"nada import": _VERSION, "key": key}) + "\n"
        self._notes.seek(0)
        good = 0
        if self._notes.readline() == head:
            good = len(head)
            size = os.fstat(self._part.fileno()).st_size
            for line in self._notes:
                if not self._take_line(line, size):
                    break
                good += len(line)  # the lines are ASCII
        self._notes.seek(good)
        self._notes.truncate()
        if not good:
            self._notes.write(head)

    def _take_line(self, line: str, size: int) -> bool:
        """Take up one line; False for one that was cut short or whose picture is not there."""
        try:
            values = json.loads(line) if line.endswith("\n") else []
        except ValueError:
            return False
        if len(values) == 2:
            self.skipped.append(Skipped(*values))
        elif len(values) == 4:
            start = after(self.pictures[-1].entry) if self.pictures else 0
            entry = Entry(self._next_name(), start, values[0], values[1])
            if after(entry) > size:
                return False
            self.pictures.append(Imported(entry, values[2], values[3]))
        return len(values) in (2, 4)


def working_files(out: Path) -> tuple[Path, Path, Path]:
    """What is there while `out` is made: the part of the zip, the list of what is in it, and a lock."""
    part = out.with_name(f"{out.name}.part")
    return part, part.with_name(f"{part.name}.log"), lock_of(part)


@contextmanager
def open_journal(out: Path, key: str) -> Iterator[Journal]:
    """Begin to write `out`, or go on where an import of the same `key` stopped; another one's part is replaced.

    What is done is kept when the block is left early. Raises NadaError where the place cannot be written, or another
    process is writing there.
    """
    make_folder(out.parent)
    part, log, _ = working_files(out)
    try:
        with locked(part, f"another process is importing to {out}; wait for it to finish."):
            part.touch()  # neither this nor "a+" empties a file that is there
            noting = open(log, "a+", encoding="ascii", errors="replace", newline="\n")
            with noting as notes, open(part, "r+b") as pictures:
                journal = Journal(out, key, pictures, notes)
                try:
                    yield journal
                finally:
                    if not pictures.closed:
                        journal.save()
    except OSError as error:
        raise write_error(out, error) from error
