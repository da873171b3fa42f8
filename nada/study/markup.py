"""HTML and SVG as values: whatever is not markup already becomes text when it is put into some."""

from __future__ import annotations

import html
from collections.abc import Mapping

_VOID = ("img", "meta", "br")
Child = "Markup | str | int | float | None"


class Markup(str):
    """Text that is HTML already. Only `tag` and `join` make it."""


def tag(name: str, attributes: Mapping[str, object] | None = None, *children: Child) -> Markup:
    """Return an element. Attributes that are None or False are left out, True stands alone; all texts are escaped."""
    head = "".join(_attribute(key, value) for key, value in (attributes or {}).items())
    if name in _VOID:
        return Markup(f"<{name}{head}>")
    return Markup(f"<{name}{head}>{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    """Return children one behind the other, texts escaped, None left out."""
    return Markup("".join(_text(child) for child in children if child is not None))


def _text(child: object) -> str:
    return child if isinstance(child, Markup) else html.escape(str(child), quote=False)


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    if value is True:
        return f" {key}"
    if isinstance(value, float):
        value = f"{value:.1f}".removesuffix(".0")  # tenths of a pixel are enough
    return f' {key}="{html.escape(str(value))}"'
