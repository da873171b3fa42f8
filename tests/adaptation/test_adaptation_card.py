"""The README of a run says what was really done."""

from __future__ import annotations

from nada.adaptation.card import model_card

RESULT = {"first_loss": 1.0, "last_loss": 0.5, "steps": 2, "best_step": 2, "ended": "all steps taken", "parameters": 8}
RESULT |= {"seconds": 1.0, "judge": None, "judged": {}}


def test_an_adaptation_by_pictures_alone_is_not_said_to_follow_a_text() -> None:
    options = {"source": None, "target": None, "target_images": "logos", "generator": "demo", "generator_sha256": "0" * 64}
    by_pictures = model_card(options, RESULT, {"encoders": []})
    assert "adapted towards example pictures." in by_pictures and "text direction" not in by_pictures
    by_words = model_card({**options, "source": "image", "target": "logo"}, RESULT, {"encoders": []})
    assert "adapted by a text direction" in by_words
