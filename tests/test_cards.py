"""The head of a card is YAML that a hub takes, whatever the base is called."""

from __future__ import annotations

import doctest
import json
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

import nada.cards
from nada.adaptation.card import model_card
from nada.cards import WHOSE, front_matter
from nada.inversion import card as inversion_card
from nada.mixing.card import mix_card


def head_of(card: str) -> dict[str, object]:
    start, head, _ = card.split("---\n", 2)
    assert not start
    return yaml.safe_load(head)


def result_of(**changes: Any) -> dict[str, Any]:
    result = {"first_loss": 1.0, "last_loss": 0.5, "steps": 2, "best_step": 2, "ended": "x", "parameters": 8}
    return {**result, "seconds": 1.0, "judge": None, "judged": {}, **changes}


def test_the_examples_of_the_documentation() -> None:
    found = doctest.testmod(nada.cards)
    assert found.attempted and not found.failed


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("demo", None),
        ("/mnt/x/my: cats # 1.pkl", None),
        ("hf:a/cats", "a/cats"),
        ("hf:a/cats@v2", "a/cats"),
        ("hf:a/cats/x.pkl", "a/cats"),
    ],
)
def test_only_a_repository_is_named_as_the_base(base: str, name: str | None) -> None:
    """Fails where somebody's path, or a file in a repository, stands where hubs take nothing but repositories."""
    options = {"source": "a: b", "target": "c # d", "generator": base, "generator_sha256": "0" * 64}
    adapted = head_of(model_card(options, result_of(), {"encoders": []}))
    mixed = head_of(
        mix_card({"name": "x: y", "base": base, "base_sha256": "0" * 64, "parts": json.dumps([])}, False, "generator")
    )
    inverted = head_of("\n".join([*front_matter(("gan-inversion",), base), ""]))
    assert {adapted.get("base_model"), mixed.get("base_model"), inverted.get("base_model")} == {name}
    assert adapted["library_name"] == mixed["library_name"] == inverted["library_name"] == "nada"
    if name:
        assert (adapted["base_model_relation"], mixed["base_model_relation"]) == ("adapter", "finetune")
        assert "base_model_relation" not in inverted


def test_a_card_that_imports_nada_says_whose_it_is() -> None:
    """Fails where a reader of a card is left to install what is called nada on PyPI, which is another project."""
    options = {"source": "a", "target": "b", "generator": "demo", "generator_sha256": "0" * 64}
    metadata = {"name": "x", "base": "demo", "base_sha256": "0" * 64, "parts": json.dumps([])}
    rows: Any = [SimpleNamespace(place=SimpleNamespace(name="me"))]
    plan: Any = SimpleNamespace(config=SimpleNamespace(model="demo"))
    cards = [
        model_card(options, result_of(), {"encoders": []}),
        mix_card(metadata, False, "generator"),
        "\n".join(inversion_card._use(rows, plan)),
    ]
    assert all("import nada" in card and f"\n{WHOSE}\n" in card for card in cards)
