"""What an encoder does to a picture and a sentence, and what it records of itself."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from nada.clip import load_encoder
from nada.errors import NadaError, UsageError


@pytest.fixture()
def encoder(guide_folder: Path):
    return load_encoder(f"local-dir:{guide_folder}")


def pictures(count: int = 2, height: int = 48, width: int = 48, spread: float = 2.0) -> torch.Tensor:
    return (torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(3)) - 0.5) * spread


def by_hand(encoder, images: torch.Tensor) -> torch.Tensor:
    """Resize, [-1, 1] to [0, 1], mean and deviation of the folder's config, encode, normalise."""
    small = functional.interpolate(images, (32, 32), mode="area")
    mean, std = torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1), torch.tensor([0.2, 0.3, 0.25]).view(3, 1, 1)
    embeddings = encoder._model.encode_image(((small + 1) / 2 - mean) / std)
    return embeddings / embeddings.norm(dim=1, keepdim=True)


def test_picture_takes_the_path_of_the_config_and_is_not_clamped(encoder) -> None:
    images = pictures(spread=3.0)
    assert images.abs().max() > 1.4
    torch.testing.assert_close(encoder.encode_image(images), by_hand(encoder, images))
    clamped = encoder.encode_image(images.clamp(-1, 1))
    assert not torch.allclose(encoder.encode_image(images), clamped, atol=1e-3)


def test_oblong_picture_is_seen_at_its_centre(encoder) -> None:
    images = pictures(height=40, width=64)
    torch.testing.assert_close(encoder.encode_image(images), by_hand(encoder, images[..., 12:52]))


def test_squashing_model_sees_an_oblong_picture_whole(guide_folder: Path) -> None:
    config = json.loads((guide_folder / "open_clip_config.json").read_text())
    config["preprocess_cfg"]["resize_mode"] = "squash"
    (guide_folder / "open_clip_config.json").write_text(json.dumps(config))
    encoder, images = load_encoder(f"local-dir:{guide_folder}"), pictures(height=40, width=64)
    torch.testing.assert_close(encoder.encode_image(images), by_hand(encoder, images))


def test_an_encoder_moves_with_all_that_it_computes_with(encoder) -> None:
    """torch's device without memory stands for a GPU; catches a mean that stays behind."""
    encoder.to("meta")
    assert all(tensor.is_meta for tensor in (*encoder._model.state_dict().values(), encoder._mean, encoder._std))


def test_gradient_reaches_the_picture_and_no_weight(encoder) -> None:
    images = pictures().requires_grad_()
    encoder.encode_image(images)[:, 0].sum().backward()
    assert torch.isfinite(images.grad).all() and images.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in encoder._model.parameters())


def test_half_precision_pictures_are_encoded_in_single(encoder) -> None:
    assert encoder.encode_image(pictures().bfloat16()).dtype is torch.float32


def test_sentences_become_unit_rows_that_differ(encoder) -> None:
    rows = encoder.encode_text(["photo", "logo", "a picture of a very long sentence " * 20])
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(3))
    assert not torch.allclose(rows[0], rows[1], atol=1e-3)


def test_resize_is_the_guide_s_own_unless_it_is_asked_for(guide_folder: Path) -> None:
    """The notes say how the guide was trained; the published method's way stays available."""
    spec = f"local-dir:{guide_folder}"
    own = load_encoder(spec).describe()
    assert (own["filter"], own["antialias"]) == ("area", False)
    smooth, sharp = (load_encoder(spec, filter="bicubic", antialias=value) for value in (True, False))
    assert (sharp.describe()["filter"], sharp.describe()["antialias"]) == ("bicubic", False)
    assert not torch.allclose(smooth.encode_image(pictures()), sharp.encode_image(pictures()), atol=1e-4)
    with pytest.raises(UsageError, match="filter"):
        load_encoder(spec, filter="lanczos")


def test_words_outside_the_vocabulary_are_named_once_in_order(encoder) -> None:
    unknown = encoder.unknown_words("Minimal-LOGO of a Zebra, oil painting; zebra!")
    assert unknown == ["zebra", "oil", "painting"]
    assert encoder.unknown_words("a photo") == []


def test_folder_s_templates_are_its_own_and_a_model_s_are_clip_s(encoder, weights) -> None:
    assert list(encoder.templates) == ["{}", "a picture of {}"]
    real = load_encoder(f"tiny-quickgelu={weights['pt']}")
    assert len(real.templates) == 80 and real.unknown_words("zebra") == []


def test_record_names_everything_that_changes_an_embedding(weights, guide_folder: Path) -> None:
    path = weights["torchscript"]
    record = load_encoder(f"tiny={path}@0.5").describe()
    assert record == {
        "name": "tiny=scripted.pt",
        "weight": 0.5,
        "model": "tiny",
        "tag": None,
        "file": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "quick_gelu": True,
        "image_size": 32,
        "filter": "bicubic",
        "antialias": True,
        "templates": 80,
        "mean": pytest.approx([0.48145466, 0.4578275, 0.40821073]),
        "std": pytest.approx([0.26862954, 0.26130258, 0.27577711]),
    }
    assert json.loads(json.dumps(load_encoder(f"local-dir:{guide_folder}").describe()))["image_size"] == 32


def test_preprocessing_of_a_tag_is_the_tag_s(open_clip, weights, monkeypatch) -> None:
    """Weights differ in mean and deviation within one architecture; a default would be silently wrong."""
    tag = {"file": str(weights["pt"]), "mean": (0.5,) * 3, "std": (0.25,) * 3, "interpolation": "bilinear"}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", {"half": tag})
    record = load_encoder("tiny/half").describe()
    assert (record["mean"], record["std"], record["filter"]) == ([0.5] * 3, [0.25] * 3, "bilinear")
    assert (record["model"], record["tag"]) == ("tiny", "half")


def test_model_for_oblong_pictures_is_refused(guide_folder: Path) -> None:
    config = json.loads((guide_folder / "open_clip_config.json").read_text())
    config["model_cfg"]["vision_cfg"]["image_size"] = [32, 16]
    (guide_folder / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(NadaError):
        load_encoder(f"local-dir:{guide_folder}")
