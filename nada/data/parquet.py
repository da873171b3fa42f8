"""A parquet file as Hugging Face data sets have it: a column of encoded pictures, perhaps a column of labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nada.data.records import Record, Source, is_included
from nada.errors import NadaError

IMAGE_COLUMNS = ("image", "img", "picture", "bytes", "image_bytes")
LABEL_COLUMNS = ("label", "labels", "class", "fine_label")


def open_parquet(path: Path, include: str | None = None) -> Source:
    """List the pictures of a parquet file; they are called `file:row`, or by the path that the file gives.

    Raises NadaError where pyarrow is missing, the file is damaged, or no column holds encoded pictures.
    """
    table = _read_table(path)
    cells = table.column(_image_column(table, path)).to_pylist()
    cells = [cell if isinstance(cell, dict) else {"bytes": cell} for cell in cells]
    names = [str(cell.get("path") or row) for row, cell in enumerate(cells)]
    labels, classes = _labels(table)
    rows = [row for row, name in enumerate(names) if is_included(name, include)]
    return Source(_records(path, rows, names, cells, labels), len(rows), classes)


def _records(
    path: Path, rows: list[int], names: list[str], cells: list[dict[str, Any]], labels: list[str] | None
) -> Iterator[Record]:
    for row in rows:
        yield Record(f"{path}:{names[row]}", cells[row].get("bytes") or b"", labels[row] if labels else None)


def _read_table(path: Path) -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise NadaError("Reading parquet files needs pyarrow; install it with: pip install 'nada[data]'.") from error
    try:
        return pyarrow.parquet.read_table(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        raise NadaError(f"{path} is not a parquet file that can be read ({error}).") from error


def _image_column(table: Any, path: Path) -> str:
    """The column of pictures: one with a usual name, else the first one whose cells can hold bytes."""
    import pyarrow

    def holds_bytes(kind: Any) -> bool:
        if pyarrow.types.is_struct(kind):
            return kind.get_field_index("bytes") >= 0
        return pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind)

    usable = [field.name for field in table.schema if holds_bytes(field.type)]
    preferred = [name for name in IMAGE_COLUMNS if name in usable]
    if not usable:
        raise NadaError(f"{path} has no column of encoded pictures; its columns are {', '.join(table.column_names)}.")
    return (preferred or usable)[0]


def _labels(table: Any) -> tuple[list[str] | None, tuple[str, ...]]:
    """The class of every row and the names in order, where a usual column of labels is there and complete."""
    column = next((name for name in LABEL_COLUMNS if name in table.column_names), None)
    values = table.column(column).to_pylist() if column else []
    if not values or any(not isinstance(value, (int, str)) for value in values):
        return None, ()
    known = _names_in_metadata(table, column) if isinstance(values[0], int) else ()
    if known and 0 <= min(values) and max(values) < len(known):
        return [known[value] for value in values], known
    classes = tuple(str(value) for value in sorted(set(values)))
    return ([str(value) for value in values], classes) if len(classes) > 1 else (None, ())


def _names_in_metadata(table: Any, column: str) -> tuple[str, ...]:
    """Names of numbered classes where the `datasets` library has written them."""
    try:
        described = json.loads((table.schema.metadata or {})[b"huggingface"])
        return tuple(str(name) for name in described["info"]["features"][column]["names"])
    except (KeyError, TypeError, ValueError):
        return ()
