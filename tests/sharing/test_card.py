"""The model card of an export, read as a hub reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checkpoint_makers import random_generator
from export_runs import TINY, make_adaptation
from huggingface_hub import ModelCard
from PIL import Image

from nada.checkpoints import save_generator
from nada.images import load_image
from nada.sharing import export
from nada.sharing.pictures import rows_of, sample_sheet


@pytest.fixture(name="folder", scope="module")
def an_export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("somebody")
    run, _ = make_adaptation(place)
    export(run, place / "out", license="MIT")
    return place / "out"


def text_of(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_head_is_what_a_hub_files_a_model_by(folder: Path) -> None:
    data = ModelCard(text_of(folder)).data
    assert (data.library_name, data.license, data.pipeline_tag) == ("nada", "mit", "unconditional-image-generation")
    assert {"stylegan2", "stylegan-nada"} <= set(data.tags)
    assert data.base_model is None, "the base is a file, and no repository"


def test_the_numbers_are_in_the_model_index(folder: Path) -> None:
    """A wrong schema is dropped by the hub without a word; its own library reads it back here."""
    data = ModelCard(text_of(folder)).data
    assert data.model_name == "image to minimal | logo"
    found = {result.metric_type: result for result in data.eval_results}
    assert set(found) == {"fd_demo_judge", "clip_t_demo_judge", "directional_demo_judge"}, "infinities are left out"
    assert found["fd_demo_judge"].dataset_name == "fruits.zip" and found["fd_demo_judge"].metric_value == 0.25
    assert found["clip_t_demo_judge"].dataset_name == "prompt: minimal logo"
    assert found["directional_demo_judge"].dataset_name == "the same latents by base"
    facts = found["fd_demo_judge"].metric_args
    assert facts["interval"] == [0.15, 0.35] and facts["pictures"] == [24, 30] and facts["features"] == "demo-judge"


def test_the_words_say_how_it_was_made_and_what_to_doubt(folder: Path) -> None:
    text = text_of(folder)
    for words in (
        "| target prompt | “minimal \\| logo” |",
        "| seed | `3` |",
        "| learning rate | `0.008533` |",
        "| guide | `demo@1` |",
        "| fd_demo_judge [1] | 0.2500 | 0.1500 to 0.3500 | 24 / 30 |",
        "- [1] 24 pictures are few.",
        "why it ended | all steps taken",
        'nada.load_generator("PATH OF THIS FOLDER")',
        "`mit`, as whoever exported this says.",
    ):
        assert words in text
    assert "own card" not in text and "Not evaluated" not in text


def test_every_picture_that_the_card_shows_is_there(folder: Path) -> None:
    shown = [part.partition(")")[0] for part in text_of(folder).split("](")[1:] if not part.startswith("http")]
    assert shown == ["before-after.png", "samples.png"]
    for name in shown:
        load_image(folder / name)
        with Image.open(folder / name) as image:
            assert json.loads(image.text["nada"])["generator"] == "base"


def test_the_licence_of_a_base_is_told(tmp_path: Path) -> None:
    run, base = make_adaptation(tmp_path)
    save_generator(tmp_path / "secret" / "base", base, {"licence": "the dotted licence"})
    export(run, tmp_path / "out", license="mit")
    assert "The base is under: the dotted licence." in text_of(tmp_path / "out")


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    run, _ = make_adaptation(tmp_path, evaluated=False)
    done = export(run, tmp_path / "out")
    text = text_of(tmp_path / "out")
    assert "Unknown: whoever exported this did not say." in text and "Not evaluated" in text
    data = ModelCard(text).data
    assert data.license == "unknown" and data.eval_results is None
    assert len(done.remarks) == 3 and "--license" in done.remarks[0] and "nada evaluate" in done.remarks[1]


def test_a_licence_of_another_name() -> None:
    from nada.sharing.head import licence_fields

    assert licence_fields("NVIDIA Source Code") == {"license": "other", "license_name": "nvidia-source-code"}


def test_a_generator_brings_its_own_card(tmp_path: Path) -> None:
    save_generator(tmp_path / "mine", random_generator(**TINY), {"shows": "dots", "licence": "the dotted licence"})
    own = "---\nx: 1\n---\n# Mine\n\n![x](gone.png)\n\nTrained on /mnt/me/dots.zip.\n\n"
    own += "## Use\n\nnot here\n```bash\n# nor here\n```\n\n## More\n\nwords\n```\n# code\n```\n"
    (tmp_path / "mine" / "README.md").write_text(own)
    export(tmp_path / "mine", tmp_path / "out")
    text = text_of(tmp_path / "out")
    assert "# StyleGAN2 generator, 8 px: dots\n" in text
    assert text.partition("## From its own card\n\n")[2].startswith(
        "Trained on dots.zip.\n\n### More\n\nwords\n```\n# code\n```\n\n## Evaluation"
    )
    assert "It was published under: the dotted licence." in text


@pytest.mark.parametrize(
    ("sizes", "rows", "shape"),
    [
        ({}, 4, (38, 78, 3)),
        ({"num_classes": 3}, 3, (28, 78, 3)),
        ({"num_classes": 20}, 8, (78, 78, 3)),
        ({"resolution": 256, "channels": (2,) * 7}, 4, (518, 1038, 3)),
        ({"resolution": 512, "channels": (2,) * 8}, 2, None),
    ],
)
def test_sheets_stay_small(sizes: dict[str, object], rows: int, shape: tuple[int, ...] | None) -> None:
    generator = random_generator(**{**TINY, **sizes})
    assert rows_of(generator) == rows
    assert shape is None or sample_sheet(generator).shape == shape


def test_text_to_image(tmp_path: Path) -> None:
    words = {"text_dim": 4, "text_guide": "demo", "prompts": ("a red fish", "a bird")}
    save_generator(tmp_path / "mine", random_generator(**{**TINY, **words}))
    export(tmp_path / "mine", tmp_path / "out")
    data = ModelCard(text_of(tmp_path / "out")).data
    assert data.pipeline_tag == "text-to-image"
    assert data.widget == [{"text": "a red fish", "output": {"url": "samples.png"}}]
