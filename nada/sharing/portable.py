"""What a run wrote down, without the paths of the machine it ran on: those help nobody else, and name its owner."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from nada.checkpoints import registry

_MARKED = re.compile(r"(.*?[=:])((?:/(?!/)|~|[A-Za-z]:[\\/]).*)", re.DOTALL)
_PATH = re.compile(r"(?<![\w.:/~-])~?(?:/[\w.+-]+)+/([\w.+-]+)", re.ASCII)


def portable(value: Any) -> Any:
    """Return plain values of JSON in which every path from the root of a file system is only its last name.

    >>> portable({"generator": "/mnt/x/ffhq.pkl", "clip": ["ViT-B-32=/mnt/x/b32.pt", "demo"], "steps": 3})
    {'generator': 'ffhq.pkl', 'clip': ['ViT-B-32=b32.pt', 'demo'], 'steps': 3}
    >>> portable(["clip:ViT-B-32=/mnt/x/b32.pt", "https://example.org/a", "hf:a/b", "C:/x/y.pkl"])
    ['clip:ViT-B-32=b32.pt', 'https://example.org/a', 'hf:a/b', 'y.pkl']
    """
    if isinstance(value, dict):
        return {key: portable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [portable(item) for item in value]
    return _without_folders(value) if isinstance(value, str) else value


def _without_folders(text: str) -> str:
    if text.startswith(("/", "~")):
        return PurePosixPath(text).name or text
    if PureWindowsPath(text).is_absolute():
        return PureWindowsPath(text).name or text
    if match := _MARKED.fullmatch(text):  # NAME=FILE, local-dir:DIR, clip:NAME=FILE
        return match[1] + _without_folders(match[2])
    return text


def portable_text(text: str) -> str:
    """Return a page of text in which paths from the root of a file system are only their last names; addresses stay.

    >>> portable_text("trained on /mnt/x/photos.zip, see https://example.org/a/b and and/or")
    'trained on photos.zip, see https://example.org/a/b and and/or'
    """
    return _PATH.sub(r"\1", text)


def public_name(spec: str) -> str:
    """Return a generator's spec as others can use it: a bundled or known name, `hf:owner/name`, else a bare file name.

    >>> public_name("demo"), public_name("hf:someone/cats"), public_name("/mnt/x/ffhq.pkl")
    ('demo', 'hf:someone/cats', 'ffhq.pkl')
    """
    for name in registry.BUNDLED:
        if spec == str(registry.bundled_path(name)):
            return name
    for name in registry.KNOWN:
        if spec == str(registry.cache_path(name)):
            return name
    return str(portable(spec))


def is_public(name: str) -> bool:
    """Whether others have a generator by this name, too.

    >>> is_public("demo"), is_public("ffhq.pkl")
    (True, False)
    """
    return name in registry.BUNDLED or name in registry.KNOWN or name.startswith("hf:")
