"""Whether an answer is the picture that was asked for; servers like to send something else with status 200."""

from __future__ import annotations

from nada.errors import NadaError
from nada.images import load_image
from nada.web import Answer, Refused

_PAGE = (b"<!doctype", b"<html", b"<head", b"<body")
_UNTOLD = ("", "application/octet-stream", "binary/octet-stream")
_MAGIC = ((b"\x89PNG\r\n\x1a\n", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF87a", ".gif"), (b"GIF89a", ".gif"))


def is_web_page(answer: Answer) -> bool:
    """Whether an answer is HTML, by what the server says or by what it sends."""
    return answer.kind in ("text/html", "application/xhtml+xml") or answer.data[:512].lstrip().lower().startswith(_PAGE)


def picture_suffix(answer: Answer) -> str:
    """The suffix that the picture's file should have, by its first bytes; the whole of it is decoded once.

    Raises Refused where the content type, the first bytes or the decoder say that it is no picture.
    """
    if is_web_page(answer):
        raise Refused(answer.url, "a web page instead of a picture")
    if answer.kind not in _UNTOLD and not answer.kind.startswith("image/"):
        raise Refused(answer.url, f"{answer.kind} instead of a picture")
    suffix = next((suffix for magic, suffix in _MAGIC if answer.data.startswith(magic)), "")
    if answer.data[:4] == b"RIFF" and answer.data[8:12] == b"WEBP":
        suffix = ".webp"
    if not suffix:
        raise Refused(answer.url, "something that is neither PNG nor JPEG, GIF or WebP")
    try:
        load_image(answer.data, answer.url)
    except NadaError as error:
        raise Refused(answer.url, "a damaged or far too large picture") from error
    return suffix
