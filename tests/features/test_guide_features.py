"""The bundled guides as extractors, and what all extractors refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from fake_encoder import FakeEncoder

from nada.errors import NadaError, UsageError
from nada.features import GuideFeatures, load_features
from nada.features.extractor import tag_of
from nada.images import from_uint8


@pytest.fixture(scope="module")
def judge() -> GuideFeatures:
    return load_features("demo-judge")


def test_features_are_what_the_guide_sees(judge: GuideFeatures, pictures: np.ndarray) -> None:
    with torch.no_grad():
        expected = judge.encoder.encode_image(from_uint8(pictures)).numpy()
    found = judge.features(pictures)
    assert found.shape == (3, judge.width) and found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_sentences_are_in_the_same_space(judge: GuideFeatures) -> None:
    found = judge.text_features(["a minimal logo", "a photo"])
    assert found.shape == (2, judge.width) and np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)


def test_it_tells_what_it_is_and_is_never_called_fid(judge: GuideFeatures) -> None:
    assert (judge.name, judge.tag, judge.distance_name) == ("demo-judge", "demo_judge", "fd_demo_judge")
    facts = judge.describe()
    assert json.loads(json.dumps(facts)) == facts
    assert len(facts["sha256"]) == 64 and facts["size"] == judge.encoder.image_size and "weight" not in facts
    assert {"name", "file", "resize", "filter", "antialias", "range"} <= facts.keys()


@pytest.mark.parametrize("name", ["ViT-B-32=model.pt", "local-dir:guide"])
def test_two_files_of_one_name_have_two_tags(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where /a/model.pt and /b/model.pt share features, or one of them vanishes from the table."""

    def tag(digest: str) -> str:
        encoder = FakeEncoder(name)
        monkeypatch.setattr(encoder, "describe", lambda: {"sha256": digest * 32})
        return GuideFeatures(encoder).tag

    assert tag("a1") == f"{tag_of(name)}_a1a1a1a1" != tag("b2")
    assert GuideFeatures(FakeEncoder("ViT-B-32/openai")).tag == "vit_b_32_openai"


def test_clip_in_front_changes_nothing(judge: GuideFeatures, pictures: np.ndarray) -> None:
    np.testing.assert_array_equal(load_features("clip:demo-judge").features(pictures), judge.features(pictures))


@pytest.mark.parametrize(
    ("spec", "resize", "sentence"),
    [
        ("demo@0.5", None, "Features have no weight; write demo."),
        ("demo", "clean", "The resize convention clean is one for inception; demo has its own."),
        ("NoSuchModel/openai", None, "There is no guide 'NoSuchModel/openai'"),
    ],
)
def test_what_makes_no_sense_for_a_guide(spec: str, resize: str | None, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        load_features(spec, resize=resize)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((1, 3, 8, 8), np.uint8),
        np.zeros((1, 0, 8, 3), np.uint8),
        [],
    ],
)
def test_what_are_no_pictures(judge: GuideFeatures, images: object) -> None:
    with pytest.raises(NadaError, match=r"need pictures as uint8 \(N, H, W, 3\)"):
        judge.features(images)


def test_features_that_are_not_numbers_are_not_handed_on(
    judge: GuideFeatures, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(images: torch.Tensor) -> torch.Tensor:
        found = torch.zeros(len(images), judge.width)
        found[1, 3] = float("nan")
        return found

    monkeypatch.setattr(judge.encoder, "encode_image", broken)
    with pytest.raises(NadaError, match="NaN or infinite features for picture 1"):
        judge.features(pictures)
