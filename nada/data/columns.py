"""Which columns of a parquet file hold pictures, captions and classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nada.data.captions import TEXT_COLUMNS
from nada.data.records import Reading
from nada.errors import NadaError, UsageError

IMAGE_COLUMNS = ("image", "img", "picture", "bytes", "image_bytes", "jpg", "png", "webp")
LABEL_COLUMNS = ("label", "labels", "class", "fine_label", "class_name", "category")


@dataclass(frozen=True)
class Columns:
    """Names of columns; None where there is none. `has_paths`: pictures are structs that may name their file."""

    image: str
    text: str | None
    label: str | None
    has_paths: bool

    @property
    def read(self) -> list[str]:
        """What to read for each picture."""
        return [self.image] if self.text is None else [self.image, self.text]

    def asked(self, reading: Reading) -> Reading:
        """The same reading, asking for exactly these columns."""
        return replace(reading, image_column=self.image, text_column=self.text, label_column=self.label)


def find_columns(schema: Any, path: Path, reading: Reading) -> Columns:
    """Take the columns asked for, else those with usual names, else for pictures the first that can hold bytes.

    Raises UsageError for a column asked for that is not there or holds something else, NadaError where there are
    no pictures.
    """
    image = _find(schema, path, reading.image_column, IMAGE_COLUMNS, _holds_bytes, "pictures (bytes)")
    image = image or next((field.name for field in schema if _holds_bytes(field.type)), None)
    if image is None:
        raise NadaError(f"{path} has no column of encoded pictures; its columns are {', '.join(schema.names)}.")
    text = _find(schema, path, reading.text_column, TEXT_COLUMNS, _holds_text, "text")
    label = None
    if reading.stored_classes:
        label = _find(schema, path, reading.label_column, LABEL_COLUMNS, _holds_labels, "text or whole numbers")
    if reading.class_from == "column" and label is None:
        raise UsageError(f"name the column of classes with --label-column; {path} has {', '.join(schema.names)}.")
    kind = schema.field(image).type
    return Columns(image, text, label, hasattr(kind, "get_field_index") and kind.get_field_index("path") >= 0)


def names_in_metadata(schema: Any, column: str) -> tuple[str, ...]:
    """Names of numbered classes where the `datasets` library has written them."""
    try:
        described = json.loads((schema.metadata or {})[b"huggingface"])
        return tuple(str(name) for name in described["info"]["features"][column]["names"])
    except (KeyError, TypeError, ValueError):
        return ()


def _find(
    schema: Any, path: Path, asked: str | None, usual: tuple[str, ...], fits: Callable[[Any], bool], what: str
) -> str | None:
    if asked is not None:
        if asked not in schema.names:
            raise UsageError(f"{path} has no column {asked!r}; its columns are {', '.join(schema.names)}.")
        if not fits(schema.field(asked).type):
            raise UsageError(f"the column {asked!r} of {path} does not hold {what} but {schema.field(asked).type}.")
        return asked
    known = {name.lower(): name for name in schema.names if schema.names.count(name) == 1}
    return next((known[name] for name in usual if name in known and fits(schema.field(known[name]).type)), None)


def _holds_bytes(kind: Any) -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return types.is_binary(kind) or types.is_large_binary(kind)


def _holds_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_dictionary(kind):
        kind = kind.value_type
    return types.is_string(kind) or types.is_large_string(kind)


def _holds_labels(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return types.is_integer(kind) or types.is_string(kind) or types.is_large_string(kind)
