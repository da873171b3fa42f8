"""One HTML page that holds everything: style, script, data and pictures. It asks nobody for anything."""

from __future__ import annotations

import html
from pathlib import Path

from nada.data.inspection.examples import choose, gather
from nada.data.inspection.inspecting import Inspection
from nada.data.inspection.payload import chosen_words, make_payload, make_pictures
from nada.data.inspection.summary import as_text, summarise
from nada.data.records import Progress
from nada.files import write_bytes
from nada.pages import allowance, as_json, asset, fill

MAX_BYTES = 1_900_000
_SCRIPTS = ("core.js", "charts.js", "gallery.js", "report.js")


def write_page(path: str | Path, inspection: Inspection, progress: Progress | None = None) -> Path:
    """Write the page of an inspection, whole or not at all; the data is read once more for its example pictures.

    Raises NadaError when the place cannot be written or the data is gone.
    """
    return write_bytes(path, make_page(inspection, progress).encode("utf-8", "replace"))


def make_page(inspection: Inspection, progress: Progress | None = None) -> str:
    """The page as text. Examples are left out, the least wanted first, until it has at most 1.9 million bytes."""
    words, wanted = chosen_words(inspection), choose(inspection)
    examples = gather(inspection, wanted, [word.word for word in words], progress)
    payload = {**make_payload(inspection, words, examples), "pictures": []}
    script = "\n".join([asset("page/theme.js"), *(_asset(name) for name in _SCRIPTS)])
    parts = {
        "title": html.escape(Path(inspection.data).name or inspection.data),
        "summary": html.escape(as_text(summarise(inspection))),
        "style": asset("page/theme.css") + _asset("report.css"),
        "script": script,
        "allowed": allowance(script),
        "data": as_json(payload),
    }
    room = MAX_BYTES - len(_fill(parts).encode("utf-8", "replace"))
    for picture in make_pictures(inspection, wanted, examples):
        room -= len(as_json(picture)) + 1
        if room < 0:
            break
        payload["pictures"].append(picture)
    return _fill({**parts, "data": as_json(payload)})


def _fill(parts: dict[str, str]) -> str:
    return fill(_asset("report.html"), parts)


def _asset(name: str) -> str:
    return asset(f"inspection/{name}")
