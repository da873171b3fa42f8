"""What pages share: nothing of the data becomes a part of the page's own."""

from __future__ import annotations

import base64
import hashlib
import json

from nada.pages import allowance, as_json, asset, fill


def test_a_mark_inside_a_part_stays_what_it_is() -> None:
    """Filled in one after the other, a title could call for the script or the data."""
    assert fill("<a>{{a}}</a><b>{{b}}</b>", {"a": "{{b}}", "b": "{{a}} \\1"}) == "<a>{{b}}</a><b>{{a}} \\1</b>"


def test_json_ends_no_element_and_comes_back() -> None:
    value = {"text": "</script><!-- & \u2028 \U0001f600", "n": [1, 2.5, None]}
    text = as_json(value)
    assert text.isascii() and not set("<>&") & set(text) and json.loads(text) == value


def test_only_this_very_script_is_allowed() -> None:
    digest = base64.b64encode(hashlib.sha256("go('\u00e4')".encode()).digest()).decode()
    assert allowance("go('\u00e4')") == f"'sha256-{digest}'" != allowance("go('a')")


def test_the_theme_is_there() -> None:
    assert "prefers-color-scheme: dark" in asset("page/theme.css") and "makeThemeButton" in asset("page/theme.js")
