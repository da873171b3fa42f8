"""Parquet files as Hugging Face data sets have them: encoded pictures, perhaps captions and labels, read in pieces."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nada.data.classes import folder_classes
from nada.data.columns import Columns, find_columns, names_in_metadata
from nada.data.records import Reading, Record, Source, is_included
from nada.errors import NadaError, UsageError

_BATCH = 32  # pictures in memory at a time
_BUFFER = 1 << 20  # bytes; without it pyarrow reads a whole column of a row group at once


@dataclass(frozen=True)
class _Shards:
    """The file, or those below the folder, at `where`: all with the same columns, rows numbered through all of them."""

    where: Path
    paths: list[Path]
    counts: list[int]
    columns: Columns

    def name(self, row: int, given: Any) -> str:
        """What a picture is called: the path that its file gives, or its row there."""
        for path, count in zip(self.paths, self.counts):
            if row < count:
                shard = "" if path == self.where else f"{path.relative_to(self.where).as_posix()}:"
                return f"{self.where}:{shard}{given or row}"
            row -= count
        return str(row)

    def values(self, column: str) -> Iterator[Any]:
        """One column of all files."""
        for path, count in zip(self.paths, self.counts):
            with _opened(path) as file:
                for batch in file.iter_batches(columns=[column], use_threads=False):
                    count -= batch.num_rows
                    yield from batch.column(0).to_pylist()
                if count:
                    raise ValueError(f"the column {column} has not as many rows as the file")


def open_parquet(paths: list[Path], where: Path, reading: Reading) -> Source:
    """List the pictures of parquet files.

    They are called `file:row`, in a folder `folder:file:row`, with the path that the file gives in place of the row.
    For all this only labels and, where they are needed, names are read; pictures come later, some rows at a time.
    Raises NadaError where pyarrow is missing, a file is damaged or no column holds encoded pictures, and UsageError
    where a column asked for is not there.
    """
    shards, schema = _examine(paths, where, reading)
    total = sum(shards.counts)
    names = _names(shards) if reading.include or "folder" in reading.class_from else None
    rows: Any = range(total)
    if reading.include and names is not None:
        rows = [row for row in rows if is_included(names[row], reading.include)]
    labels: list[str | None] | None
    if "folder" in reading.class_from and names is not None:
        classes = folder_classes([names[row] for row in rows], reading, str(where))
        labels, class_names = [classes.of.get(name) for name in names], classes.names
    else:
        labels, class_names = _labels(shards, schema, reading)
    unlabelled = sum(labels[row] is None for row in rows) if labels and class_names else 0
    records = _records(shards, rows[reading.start :], labels if class_names else None)
    return Source(records, len(rows), class_names, (), unlabelled)


def _examine(paths: list[Path], where: Path, reading: Reading) -> tuple[_Shards, Any]:
    """Find the columns in the first file, and check that all others have them."""
    counts: list[int] = []
    columns, schema = None, None
    for path in paths:
        with _opened(path) as file:
            found = find_columns(file.schema_arrow, path, columns.asked(reading) if columns else reading)
            columns, schema = columns or found, schema or file.schema_arrow
            counts.append(file.metadata.num_rows)
    assert columns is not None
    return _Shards(where, paths, counts, columns), schema


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise NadaError("Reading parquet files needs pyarrow; install it with: pip install pyarrow.") from error
    try:
        with pyarrow.parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False) as file:
            yield file
    except NadaError:
        raise
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise NadaError(f"{path} is not a parquet file that can be read ({reason}).") from error


def _names(shards: _Shards) -> list[str]:
    """The paths that the files give, or row numbers, for patterns and folders."""
    rows = [row for count in shards.counts for row in range(count)]
    if not shards.columns.has_paths:
        return [str(row) for row in rows]
    cells = shards.values(f"{shards.columns.image}.path")
    return [str((cell or {}).get("path") or row) for row, cell in zip(rows, cells)]


def _labels(shards: _Shards, schema: Any, reading: Reading) -> tuple[list[str | None] | None, tuple[str, ...]]:
    """The class of every row and the names in order; none where they are incomplete and nobody asked for them."""
    column = shards.columns.label
    if column is None:
        return None, ()
    values = list(shards.values(column))
    known = names_in_metadata(schema, column)
    numbered = known and all(isinstance(value, int) for value in values if value is not None)
    if numbered and all(value is None or value < len(known) for value in values):
        named = [known[value] if value is not None and value >= 0 else None for value in values]
    else:
        named = [None if value is None else str(value) for value in values]
        known = tuple(str(value) for value in sorted({value for value in values if value is not None}))
    asked = reading.class_from == "column" or reading.label_column is not None
    if asked and len(known) < 2:
        raise UsageError(f"the column {column!r} of {shards.where} does not name two classes; use --class-from none.")
    if len(known) < 2 or (None in named and not asked):
        return None, ()
    return named, known


def _records(shards: _Shards, rows: Any, labels: list[str | None] | None) -> Iterator[Record]:
    if not rows:
        return
    wanted: Container[int] = rows if isinstance(rows, range) else frozenset(rows)
    row = 0
    for path, count in zip(shards.paths, shards.counts):
        if row + count > rows[0]:
            for at, cells in _cells(path, shards.columns, max(rows[0] - row, 0)):
                if row + at in wanted:
                    yield _record(shards, row + at, cells, labels)
        row += count


def _cells(path: Path, columns: Columns, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file from `start` on; row groups before it are not read."""
    with _opened(path) as file:
        row = 0
        for group in range(file.metadata.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if row + count > start:
                batches = file.iter_batches(_BATCH, row_groups=[group], columns=columns.read, use_threads=False)
                cells = (cells for batch in batches for cells in batch.to_pylist())
                yield from ((at, values) for at, values in enumerate(cells, row) if at >= start)
            row += count


def _record(shards: _Shards, row: int, cells: dict[str, Any], labels: list[str | None] | None) -> Record:
    cell = cells[shards.columns.image]
    cell = cell if isinstance(cell, dict) else {"bytes": cell}
    name, data = shards.name(row, cell.get("path")), cell.get("bytes")
    text = cells.get(shards.columns.text) if shards.columns.text else None
    if isinstance(text, list):
        text = next((one for one in text if one), None)
    problem = None if data else f"{name} holds no picture."
    return Record(name, data or b"", labels[row] if labels else None, text or None, problem)
