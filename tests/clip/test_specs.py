"""What may be written for a guide, and the sentences for what may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from nada.clip.specs import parse_spec
from nada.errors import UsageError


@pytest.mark.parametrize(
    "text, fields",
    [
        ("demo", {"name": "demo", "weight": 1.0, "bundled": "demo"}),
        (" demo-judge@0.5 ", {"name": "demo-judge", "weight": 0.5, "bundled": "demo-judge"}),
        ("ViT-B-32/openai", {"name": "ViT-B-32/openai", "model": "ViT-B-32", "tag": "openai"}),
        ("ViT-B/32/openai@2e-1", {"model": "ViT-B/32", "tag": "openai", "weight": 0.2}),
        ("ViT-B-32=/a/b=c.pt", {"name": "ViT-B-32=b=c.pt", "model": "ViT-B-32", "file": Path("/a/b=c.pt")}),
        ("ViT-B-32=x@y/w.pt", {"file": Path("x@y/w.pt"), "weight": 1.0}),
        ("ViT-B-32=w@v2.pt", {"file": Path("w@v2.pt"), "weight": 1.0}),
        ("ViT-B-32=w.pt@3", {"file": Path("w.pt"), "weight": 3.0}),
        ("local-dir:/a/guide@0.25", {"name": "local-dir:guide", "folder": Path("/a/guide"), "weight": 0.25}),
        ("ViT-B-32", {"model": "ViT-B-32", "tag": None, "file": None}),
    ],
)
def test_every_form_is_taken_apart(text: str, fields: dict) -> None:
    spec = parse_spec(text)
    assert {name: getattr(spec, name) for name in fields} == fields


@pytest.mark.parametrize("text", ["", "=file", "ViT-B-32=", "/openai", "ViT-B-32/", "local-dir:", "hf:owner"])
def test_anything_else_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="NAME=FILE"):
        parse_spec(text)


@pytest.mark.parametrize("text", ["demo@", "demo@much", "demo@0", "demo@-1", "demo@nan", "ViT-B-32/a@inf"])
def test_unusable_weights_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="weight"):
        parse_spec(text)
