"""What every HTML page made here shares: one file that holds everything and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any


def asset(name: str) -> str:
    """A text file of the package's assets, as in "page/theme.css"."""
    return resources.files("nada").joinpath(f"assets/{name}").read_text(encoding="utf-8")


def fill(template: str, parts: Mapping[str, str]) -> str:
    """Put `parts` in place of the marks `{{name}}` of a template, in one pass: a mark inside a part stays what it is."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def allowance(script: str) -> str:
    """The source by which a Content-Security-Policy allows this script and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def as_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in: plain ASCII, without angle brackets."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
