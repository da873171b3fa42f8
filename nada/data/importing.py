"""`import_pictures`: from any source to one zip of equal squares, in NVIDIA's layout."""

from __future__ import annotations

import io
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from nada.data.classes import stray_note
from nada.data.decoding import decode, in_order, without_warnings
from nada.data.descriptions import DESCRIPTION
from nada.data.fingerprint import fingerprint
from nada.data.fitting import FILTER, Fit
from nada.data.journal import Journal, open_journal, working_files
from nada.data.records import Reading, Record, Skipped, Source, left_out
from nada.data.sources import check_classes, nothing_left, open_source
from nada.errors import NadaError, UsageError

# At this level photographs take half the time of Pillow's default and no more space, drawings a tenth more.
_COMPRESSION = 3

Progress = Callable[[Iterable[Any], int, int], Iterable[Any]]


@dataclass(frozen=True)
class ImportReport:
    """What an import did: pictures in the zip (those of an earlier, interrupted import included), and left out.

    `note` says why there are no classes where there seem to be some.
    """

    out: Path
    pictures: int
    resumed: int
    captions: int
    classes: dict[str, int]
    skipped: tuple[Skipped, ...] = field(repr=False)
    ignored: tuple[str, ...] = field(repr=False)
    note: str = ""


def import_pictures(
    path: str | Path,
    out: str | Path,
    fit: Fit,
    reading: Reading = Reading(),
    limit: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Decode, fit and write every picture of a source; the same input gives the same bytes.

    Pictures that cannot be read are left out, with the reason in `dataset.json`. While it works there are
    `out.part` and `out.part.log`; called again after an interruption, it goes on with them if the input and what is
    asked for are the same. `out` appears when it is whole.

    Args:
        path: what `open_source` opens.
        out: the zip to write; one of that name is replaced.
        fit: size and shape.
        reading: which pictures, columns and classes.
        limit: only the first so many pictures of the source.
        workers: threads; by default one per processor. They change nothing in the result.
        progress: wraps the iteration and is told the count and how many of them are done already, for a bar.

    Raises:
        UsageError: for options that make no sense for the source.
        NadaError: if the source is damaged, no picture is left, or the zip cannot be written.
    """
    path, out = Path(path), Path(out)
    if out.suffix.lower() != ".zip":
        raise UsageError(f"the data set is written as a zip; call it {out.name}.zip.")
    if out.exists() and path.exists() and out.samefile(path):
        raise UsageError(f"{path} cannot be replaced by what is made of it; give the result another name.")
    options = {"fit": asdict(fit), "reading": asdict(replace(reading, start=0)), "limit": limit, "png": _COMPRESSION}
    source = open_source(path, reading=reading)  # what is wrong with it is said before anything is written
    check_classes(source, path)
    with open_journal(out, fingerprint(path, options)) as journal:
        if journal.resumed:
            source = open_source(path, reading=replace(reading, start=journal.resumed))
        count = min(source.count, limit or source.count)
        records: Iterable[Record] = itertools.islice(source.records, count - len(journal))
        records = progress(records, count, len(journal)) if progress else records
        _write_pictures(records, journal, source, fit, path, workers)
        if not journal.pictures:
            journal.discard()
            raise nothing_left(path, reading.include, source, [skipped.name for skipped in journal.skipped])
        note = ""
        if source.stray and any(picture.label is None for picture in journal.pictures):
            note = stray_note(source, [skipped.name for skipped in journal.skipped])
            source = source._replace(class_names=())
        source = source._replace(ignored=_without_own(source.ignored, path, out))
        journal.finish(DESCRIPTION, _description(journal, source, path, fit, reading))
    return _report(journal, source, out, note)


def _write_pictures(
    records: Iterable[Record], journal: Journal, source: Source, fit: Fit, where: Path, workers: int | None
) -> None:
    numbers = {name: number for number, name in enumerate(source.class_names)}
    with without_warnings():
        for record, result in in_order(lambda record: _encode(decode(record, fit)), records, workers, fit.bytes):
            if isinstance(result, NadaError):
                journal.skip(left_out(record.name, result, where))
            else:
                journal.add(result, numbers.get(record.label) if record.label is not None else None, record.text)


def _encode(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=_COMPRESSION)
    return buffer.getvalue()


def _without_own(ignored: tuple[str, ...], path: Path, out: Path) -> tuple[str, ...]:
    """The other files of a source without what this import writes there itself, which an earlier one may have left."""
    own = {os.path.abspath(file) for file in (out, *working_files(out))}
    return tuple(name for name in ignored if os.path.abspath(path / name) not in own)


def _description(journal: Journal, source: Source, path: Path, fit: Fit, reading: Reading) -> bytes:
    pictures = journal.pictures
    labels = [[picture.entry.name, picture.label] for picture in pictures] if source.class_names else None
    content: dict[str, Any] = {"labels": labels}
    if source.class_names:
        content["label_names"] = list(source.class_names)
    if texts := [[picture.entry.name, picture.text] for picture in pictures if picture.text]:
        content["texts"] = texts
    content["import"] = {
        "source": os.path.basename(os.path.abspath(path)),
        "size": fit.size,
        "fit": fit.how,
        "background": fit.background,
        "filter": FILTER,
        "include": reading.include,
        "class_from": reading.class_from,
        "pictures": len(pictures),
        "ignored": len(source.ignored),
        "skipped": [list(skipped) for skipped in journal.skipped],
    }
    return (json.dumps(content, ensure_ascii=False) + "\n").encode("utf-8", errors="replace")


def _report(journal: Journal, source: Source, out: Path, note: str) -> ImportReport:
    pictures = journal.pictures
    counts = Counter(picture.label for picture in pictures)
    return ImportReport(
        out,
        len(pictures),
        journal.resumed,
        sum(picture.text is not None for picture in pictures),
        {name: counts[number] for number, name in enumerate(source.class_names)},
        tuple(journal.skipped),
        source.ignored,
        note,
    )
