"""The README of a run says what was really done."""

from __future__ import annotations

import dataclasses
import re

from nada.adaptation.card import model_card
from nada.adaptation.settings import Settings
from nada.config import to_json
from nada.config.adapt import AdaptConfig

RESULT = {"first_loss": 1.0, "last_loss": 0.5, "steps": 2, "best_step": 2, "ended": "all steps taken", "parameters": 8}
RESULT |= {"seconds": 1.0, "judge": None, "judged": {}}


def test_an_adaptation_by_pictures_alone_is_not_said_to_follow_a_text() -> None:
    options = {"source": None, "target": None, "target_images": "logos", "generator": "demo", "generator_sha256": "0" * 64}
    by_pictures = model_card(options, RESULT, {"encoders": []})
    assert "adapted towards example pictures." in by_pictures and "text direction" not in by_pictures
    by_words = model_card({**options, "source": "image", "target": "logo"}, RESULT, {"encoders": []})
    assert "adapted by a text direction" in by_words


def test_the_card_lists_what_matters_and_what_is_not_as_usual() -> None:
    """Fails where a card is a dump of every field, of None, and of floats with sixteen digits."""
    asked = to_json(AdaptConfig(source="a", target="b", hinge=1.0, views=2, out="elsewhere", sample_every=5))
    settings = dataclasses.asdict(Settings("late:2", 200, 8, 0.008533333333333334, classes=(1, 3)))
    guide = {
        "name": "demo",
        "weight": 1.0,
        "model": "demo",
        "tag": None,
        "file": None,
        "sha256": "ab" * 32,
        "mean": [0.48145466],
    }
    card = model_card({**asked, **settings, "generator_sha256": "0" * 64}, RESULT, {"encoders": [guide]})
    told = dict(re.findall(r"^- (\w+): `(.*)`$", card, re.MULTILINE))
    assert told == {
        "classes": "1, 3", "views": "2", "hinge": "1", "method": "nada", "layers": "late:2", "steps": "200", "batch": "8",
        "lr": "0.008533", "noise": "shared", "seed": "0", "precision": "fp32",
    }  # fmt: skip
    assert "- **demo**: weight `1`, sha256 `abababababababab…`" in card.splitlines()
