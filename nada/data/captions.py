"""Captions beside pictures: `photo.txt` next to `photo.png`, or a `metadata.jsonl` or `metadata.csv` over many."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Any

from nada.errors import NadaError

TEXT_COLUMNS = ("text", "caption", "captions", "prompt", "description", "sentence", "txt")
TABLES = ("metadata.jsonl", "metadata.csv")
_MAX_SIDECAR = 1 << 16  # a caption; a longer text file is something else


def caption_files(files: Iterable[str], pictures: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Which text file stands beside which picture, and the tables of captions there are."""
    texts = {name for name in files if name.endswith((".txt", *TABLES))}
    beside = {picture: f"{picture.rpartition('.')[0]}.txt" for picture in pictures} if texts else {}
    tables = sorted(name for name in texts if name.rpartition("/")[2] in TABLES)
    return {picture: text for picture, text in beside.items() if text in texts}, tables


def read_tables(tables: list[str], read: Callable[[str], bytes], where: str) -> dict[str, str]:
    """Captions by picture from the tables of the Hugging Face imagefolder: a `file_name` and a column of text.

    Raises NadaError for a table that cannot be understood.
    """
    texts = {}
    for table in tables:
        try:
            content = read(table).decode("utf-8-sig")
            rows = _rows(content, table)
            for row in rows:
                text = next((row[column] for column in TEXT_COLUMNS if row.get(column)), None)
                if text and (name := row.get("file_name")):
                    texts[str(PurePosixPath(table).parent / str(name))] = str(text)
        except (ValueError, AttributeError, TypeError, RecursionError, csv.Error) as error:
            raise NadaError(f"{table} in {where} is not a table of captions ({error}).") from error
    return texts


def sidecar_text(data: bytes) -> str | None:
    """The caption in a text file, on one line; None where it is empty or is no caption."""
    if len(data) > _MAX_SIDECAR:
        return None
    return " ".join(data.decode("utf-8-sig", errors="replace").split()) or None


def _rows(content: str, table: str) -> Iterable[dict[str, Any]]:
    if table.endswith(".csv"):
        return csv.DictReader(io.StringIO(content))
    return [json.loads(line) for line in content.splitlines() if line.strip()]
