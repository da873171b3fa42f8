"""Pictures found by a sentence, with guides of a few numbers, and once with the bundled ones."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from domain_makers import adapted_run, save_base
from fake_encoder import FakeEncoder

from nada.config.generate import GenerateConfig
from nada.errors import NadaError, UsageError
from nada.generation import generate, make_painter, mix_styles, read_settings, search
from nada.generation.finding import Found, Search, doubts
from nada.generation.keeping import Picture
from nada.generation.recipe import Recipe, encode_offset
from nada.generation.refining import Refined, refine
from nada.generation.run import run_generation
from nada.generation.scoring import Scorer
from nada.images import from_uint8, load_image


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    save_base(Path("base"), classes=3)
    monkeypatch.setattr(
        "nada.generation.finding.load_encoder", lambda spec, device="cpu": FakeEncoder(spec, words=["red", "apple", "lemon"])
    )


def run(**options: Any) -> list[str]:
    told: list[str] = []
    values = {"model": "base", "device": "cpu", "out": "out", "prompt": "red apple", "of": 40, "best": 3}
    run_generation(GenerateConfig(**{**values, **options}), say=told.append)
    return told


def test_the_best_are_those_with_the_highest_cosine() -> None:
    """Fails where the worst are taken, a block is left out, or the prompt is not put into the templates."""
    found = search("base", "red apple", of=40, best=3)
    encoder = FakeEncoder("demo")
    pixels = np.stack([one.pixels for one in generate("base", range(40))])
    words = encoder.encode_text(["red apple", "a picture of red apple"]).mean(dim=0)
    cosines = (encoder.encode_image(from_uint8(pixels)) @ words / words.norm()).numpy()
    assert [one.picture.recipe.seed for one in found] == np.argsort(-cosines)[:3].tolist()
    assert [one.score for one in found] == pytest.approx(sorted(cosines, reverse=True)[:3], abs=1e-6)


def test_with_a_source_the_way_from_the_mean_counts() -> None:
    found = search("base", "red apple", source="lemon", of=40, best=40)
    encoder = FakeEncoder("demo")
    seen = encoder.encode_image(from_uint8(np.stack([one.pixels for one in generate("base", range(40))]))).numpy()
    texts = [
        encoder.encode_text([form.format(words) for form in ("{}", "a picture of {}")]).numpy()
        for words in ("red apple", "lemon")
    ]
    direction, ways = (texts[0] - texts[1]).mean(axis=0), seen - seen.mean(axis=0)
    cosines = ways @ direction / np.linalg.norm(ways, axis=1) / np.linalg.norm(direction)
    assert [one.picture.recipe.seed for one in found] == np.argsort(-cosines).tolist()


def test_files_sheet_and_record() -> None:
    told = run(json="done.json", classes=("1",))
    assert "guide demo, judge demo-judge, " not in told[0] and told[0].endswith("guide demo, judge demo-judge")
    record = json.loads(Path("done.json").read_text())["found"]
    assert [path.name for path in sorted(Path("out").iterdir())] == ["best.png", *(one["file"] for one in record)]
    assert [one["condition"] for one in record] == ["class1"] * 3
    recipe, values = read_settings(Path("out") / record[0]["file"])
    assert values["search"]["prompt"] == "red apple" and values["search"]["score"] == pytest.approx(
        record[0]["score"], abs=1e-6
    )
    assert f"{record[0]['score']:.3f}" in record[0]["file"] and recipe.seed == record[0]["seed"]


def test_moving_gains_and_can_be_made_again_at_another_strength() -> None:
    """The latent that was moved is in the file: it gives the same bytes, and a picture of an adaptation."""
    run(optimise=25, best=2, json="done.json")
    record = json.loads(Path("done.json").read_text())["found"]
    moved = [one for one in record if "score_before" in one]
    assert moved and all(one["score"] > one["score_before"] for one in moved)
    name = moved[0]["file"]
    plain = {"prompt": None, "of": 200, "best": 5}
    run(model=None, like=f"out/{name}", out="again", **plain)
    (again,) = Path("again").iterdir()
    assert again.read_bytes() == (Path("out") / name).read_bytes()
    adapted_run(Path("run"), Path("base"), "b16.conv1.weight")
    run(model="run", like=f"out/{name}", out="adapted", strength=(1.0,), **plain)
    (adapted,) = Path("adapted").iterdir()
    assert not np.array_equal(load_image(adapted), load_image(again))


def test_an_offset_is_added_to_every_style() -> None:
    """Fails where only some layers move; they are all one vector in W."""
    painter = make_painter("base")
    plain = Recipe("base", painter.sha256, 4, "class0")
    way = np.linspace(-1, 1, 8, dtype=np.float32)
    change = painter.styles([dataclasses.replace(plain, offset=encode_offset(way))]) - painter.styles([plain])
    assert torch.allclose(change, torch.from_numpy(way).expand_as(change), atol=1e-6)


@pytest.mark.parametrize("precision, wanted", [("fp16", torch.float32), ("bf16", torch.bfloat16)])
def test_a_latent_is_moved_in_a_type_that_keeps_small_gradients(precision: str, wanted: torch.dtype) -> None:
    """Without a loss scale float16 loses a pixel's gradients, and the search would stand still on older GPUs."""
    painter, types = make_painter("base", precision=precision), []

    class Looking(FakeEncoder):
        def encode_image(self, images: torch.Tensor) -> torch.Tensor:
            types.append(painter.generator.compute.dtype)
            return super().encode_image(images)

    refine(painter, Recipe("base", painter.sha256, 4, "class0"), Scorer(Looking(), "red apple"), steps=1)
    assert types == [wanted]


def test_an_offset_of_another_width_is_refused() -> None:
    painter = make_painter("base")
    recipe = Recipe("base", painter.sha256, 0, "class0", offset=encode_offset(np.ones(5, np.float32)))
    with pytest.raises(NadaError, match="an offset of 5 numbers; base needs 8"):
        painter.paint([recipe])


def test_what_the_guide_likes_no_better_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where steps that lead away are kept."""
    hunt = Search(make_painter("base"), "red apple")
    (best,) = hunt.find([one.recipe for one in generate("base", range(40))], 1)
    monkeypatch.setattr("nada.generation.finding.refine", lambda *_: Refined(torch.zeros(8), []))
    assert hunt.refine(best, 3) is best


def found(score: float, judge: float, ahead: float, start: Found | None = None) -> Found:
    return Found(Picture(np.zeros((1, 1, 3), np.uint8), Recipe("x", "0" * 64, 0)), score, judge, ahead, start)


def test_a_judge_that_does_not_agree_is_told() -> None:
    assert doubts([found(0.5, 0.4, 0.99)], "judge") == []
    (choice,) = doubts([found(0.5, 0.4, 0.4), found(0.5, 0.4, 0.6)], "judge")
    assert choice.startswith("judge does not agree with the choice") and "50%" in choice
    moved = found(0.9, 0.3, 0.9, start=found(0.5, 0.4, 0.99))
    (gain,) = doubts([moved], "judge")
    assert "judge does not agree that moving helped: its scores changed by -0.100" in gain
    assert doubts([Found(moved.picture, 0.5)], "") == []


def test_words_that_the_guide_never_saw_are_told() -> None:
    with pytest.warns(UserWarning, match="demo does not know zebra"):
        search("base", "zebra", of=4, best=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"best": 0},
        {"of": 0},
        {"of": 10**6},
        {"seeds": "0-4294967295", "of": 200},
        {"optimise": -1},
        {"prompt": " "},
        {"source": "red  apple"},
    ],
    ids=str,
)
def test_searches_that_make_no_sense(wrong: dict) -> None:
    with pytest.raises(UsageError):
        run(**wrong)


def test_seeds_without_end_are_refused_and_not_listed() -> None:
    """Catches recipes made for four thousand million pictures before anybody counts them."""
    for call in (lambda seeds: search("base", "red apple", seeds=seeds), lambda seeds: mix_styles("base", seeds, [1])):
        with pytest.raises(UsageError, match="at most|the most"):
            call("0-4294967295")


@pytest.mark.parametrize(
    ("prompt", "source", "fruit"),
    [("red apple", None, "apple"), ("lemon", None, "lemon"), ("green apple", "red apple", "mango")],
)
def test_the_bundled_guide_finds_fruit(prompt: str, source: str | None, fruit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where the bundled guide or its templates are read wrongly. The bundled generator has no green apple but mangos."""
    monkeypatch.undo()
    found = search("demo", prompt, source=source, of=32, best=3, judge="none")
    assert [one.picture.recipe.condition for one in found] == [fruit] * 3
