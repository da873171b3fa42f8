"""The guide as a whole: sums, directions, augmentation, gradients, warnings and refusals."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_encoder import FakeEncoder

from nada import images as pictures
from nada.clip import Guide, losses
from nada.clip.prompts import text_direction
from nada.errors import NadaError, UsageError


def batch(seed: int, count: int = 3, size: int = 16) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def targets(count: int = 2) -> list[np.ndarray]:
    return list(np.random.RandomState(4).randint(0, 256, (count, 16, 16, 3), dtype=np.uint8))


def test_loss_is_the_weighted_sum_over_encoders_by_numpy() -> None:
    encoders = [FakeEncoder("one", 0.5), FakeEncoder("two", 2.0, width=8)]
    settings = {"projection_weight": 0.3, "projection_target": 0.8, "global_weight": 0.2}
    frozen, trainable = batch(1), batch(2)
    result = Guide(encoders, "photo", "logo", **settings).loss(frozen, trainable)
    wanted = 0.0
    for encoder in encoders:
        text = [
            [encoder.encode_text([f"{before}{word}"])[0].numpy() for word in ("logo", "photo")]
            for before in ("", "a picture of ")
        ]
        direction = np.mean([target - source for target, source in text], axis=0)
        direction /= np.linalg.norm(direction)
        before, after = encoder.encode_image(frozen).numpy(), encoder.encode_image(trainable).numpy()
        edit = after - before
        cosine = edit @ direction / np.linalg.norm(edit, axis=1)
        hinge = np.maximum(0, 0.8 - edit @ direction)
        parts = (1 - cosine) + 0.3 * hinge + 0.2 * (1 - after @ text[0][0])
        wanted += encoder.weight * parts.mean()
        scalars = {
            "loss": parts.mean(),
            "cosine": cosine.mean(),
            "edit_length": np.linalg.norm(edit, axis=1).mean(),
            "projection": (edit @ direction).mean(),
        }
        for name, value in scalars.items():
            assert result.scalars[f"{name}/{encoder.name}"].item() == pytest.approx(value, abs=1e-5)
    assert result.total.ndim == 0 and result.total.item() == pytest.approx(wanted, abs=1e-5)
    assert len(result.scalars) == 8


def test_equal_pictures_cost_one_per_weight_and_pull_along_the_direction() -> None:
    guide = Guide([FakeEncoder(weight=0.5)], "photo", "logo")
    frozen = batch(1)
    trainable = frozen.clone().requires_grad_()
    result = guide.loss(frozen, trainable)
    assert result.total.item() == 0.5
    result.total.backward()
    assert torch.isfinite(trainable.grad).all()
    step = (trainable - 0.01 * trainable.grad / trainable.grad.norm()).detach()
    moved = guide.loss(frozen, step)
    assert moved.scalars["cosine/fake"] > 0.3 and moved.total < 0.5


def test_gradient_reaches_the_trainable_pictures_only() -> None:
    encoder, frozen, trainable = FakeEncoder(), batch(1).requires_grad_(), batch(2).requires_grad_()
    for augment in ("none", "independent"):
        Guide([encoder], "photo", "logo", augment=augment).loss(frozen, trainable, rng()).total.backward()
    assert frozen.grad is None and (trainable.grad != 0).any()
    assert all(parameter.grad is None for parameter in encoder.parameters)


def test_frozen_pictures_are_encoded_without_a_graph() -> None:
    """A graph for the frozen side would double the memory of a step."""
    modes = []

    class Spy(FakeEncoder):
        def encode_image(self, images: torch.Tensor) -> torch.Tensor:
            modes.append(torch.is_grad_enabled())
            return super().encode_image(images)

    Guide([Spy()], "photo", "logo").loss(batch(1), batch(2).requires_grad_())
    assert modes == [False, True]


def test_floor_bounds_the_first_gradient() -> None:
    """With the published formula the first step's gradient is a million times the later ones."""

    def first_gradient(floor: float) -> float:
        trainable = batch(1).requires_grad_()
        Guide([FakeEncoder()], "photo", "logo", edit_floor=floor).loss(batch(1), trainable).total.backward()
        return trainable.grad.norm().item()

    assert first_gradient(0.1) == pytest.approx(first_gradient(0.05) / 2, rel=1e-4)


def test_scalars_do_not_hold_on_to_the_graph() -> None:
    result = Guide([FakeEncoder()], "photo", "logo").loss(batch(1), batch(2).requires_grad_())
    assert all(value.ndim == 0 and not value.requires_grad for value in result.scalars.values())


def test_repeated_encoder_keeps_a_curve_of_its_own() -> None:
    guide = Guide([FakeEncoder(), FakeEncoder(weight=0.1), FakeEncoder()], "photo", "logo")
    assert guide.names == ["fake", "fake#2", "fake#3"]


def test_shared_views_keep_equal_pictures_equal_and_independent_ones_do_not() -> None:
    frozen = batch(1)
    shared = Guide([FakeEncoder()], "photo", "logo", augment="shared", views=2).loss(frozen, frozen, rng())
    apart = Guide([FakeEncoder()], "photo", "logo", augment="independent").loss(frozen, frozen, rng())
    assert shared.scalars["edit_length/fake"] == 0 and apart.scalars["edit_length/fake"] > 0.01


def test_views_are_averaged_and_follow_the_generator() -> None:
    guide = Guide([FakeEncoder()], "photo", "logo", augment="independent", views=2)
    single = Guide([FakeEncoder()], "photo", "logo", augment="independent")
    frozen, trainable, one_by_one = batch(1), batch(2), rng(7)
    both = guide.loss(frozen, trainable, rng(7)).total
    parts = [single.loss(frozen, trainable, one_by_one).total for _ in range(2)]
    torch.testing.assert_close(both, sum(parts) / 2)
    assert both == guide.loss(frozen, trainable, rng(7)).total != guide.loss(frozen, trainable, rng(8)).total


@pytest.mark.parametrize("augment, views", [("none", 1), ("shared", 2), ("independent", 2)])
def test_a_batch_in_parts_with_views_drawn_before_is_the_whole_batch(augment: str, views: int) -> None:
    """Catches a view that goes to another picture than its own, or a mean taken over the wrong number."""
    guide = Guide([FakeEncoder("one", 0.5), FakeEncoder("two")], "photo", "logo", augment=augment, views=views)
    frozen, whole, parted = batch(1, 5), batch(2, 5).requires_grad_(), batch(2, 5).requires_grad_()
    drawn = guide.draw_views(frozen.shape, rng=rng(3))
    result = guide.loss(frozen, whole, rng(3))
    result.total.backward()
    total = 0.0
    for start, end in ((0, 2), (2, 5)):
        rows = [tuple(type(view)(*(tensor[start:end] for tensor in view)) for view in pair) for pair in drawn]
        part = guide.loss(frozen[start:end], parted[start:end], views=rows).total * (end - start) / 5
        part.backward()
        total += part.item()
    assert total == pytest.approx(result.total.item(), abs=1e-5)
    torch.testing.assert_close(parted.grad, whole.grad, rtol=1e-4, atol=1e-6)


def test_pictures_that_were_encoded_before_are_compared_alike() -> None:
    encoders = [FakeEncoder("one"), FakeEncoder("two")]
    guide = Guide(encoders, "photo", "logo", projection_weight=0.5)
    before, after = ([encoder.encode_image(batch(seed)) for encoder in encoders] for seed in (1, 2))
    result, wanted = guide.compare(before, after), guide.loss(batch(1), batch(2))
    assert result.total == wanted.total and result.scalars == wanted.scalars


def test_target_loss_is_the_global_loss_of_the_bare_prompt() -> None:
    encoders = [FakeEncoder("one", 0.5), FakeEncoder("two")]
    images = batch(2).requires_grad_()
    wanted = sum(
        encoder.weight * (1 - encoder.encode_image(images) @ encoder.encode_text(["logo"])[0]).mean() for encoder in encoders
    )
    loss = Guide(encoders, "photo", "logo").target_loss(images)
    torch.testing.assert_close(loss, wanted)
    assert torch.autograd.grad(loss, images)[0].abs().sum() > 0


def test_image_direction_runs_from_the_samples_to_the_target_pictures() -> None:
    encoder, samples, frozen, trainable = FakeEncoder(), batch(3, 20), batch(1), batch(2)
    guide = Guide([encoder], target_images=targets())
    assert guide.needs_source_images
    with pytest.raises(NadaError, match="set_source_images"):
        guide.loss(frozen, trainable)
    guide.set_source_images(samples)
    towards = torch.cat([encoder.encode_image(pictures.from_uint8(array)) for array in targets()]).mean(0)
    direction = losses.unit(towards - encoder.encode_image(samples).mean(0))
    before, after = encoder.encode_image(frozen), encoder.encode_image(trainable)
    wanted = losses.directional_loss(before, after, direction).mean()
    torch.testing.assert_close(guide.loss(frozen, trainable).total, wanted)
    near = 1 - encoder.encode_image(frozen) @ losses.unit(towards)
    torch.testing.assert_close(guide.target_loss(frozen), near.mean())


def test_text_and_pictures_mix_by_their_weights() -> None:
    encoder, samples = FakeEncoder(), batch(3, 4)

    def direction(**weights: float) -> torch.Tensor:
        guide = Guide([encoder], "photo", "logo", target_images=targets(), **weights)
        guide.set_source_images(samples)
        return guide._directions[0]

    text, image = direction(image_weight=0), direction(text_weight=0)
    torch.testing.assert_close(text, text_direction(encoder.encode_text, "photo", "logo", encoder.templates))
    assert not torch.allclose(text, image, atol=0.1)
    mixed = direction(text_weight=2, image_weight=0.5)
    torch.testing.assert_close(mixed, losses.unit(2 * text + 0.5 * image))


def test_text_guide_has_no_use_for_source_pictures() -> None:
    guide = Guide([FakeEncoder()], "photo", "logo")
    before = guide.loss(batch(1), batch(2)).total
    guide.set_source_images(batch(3))
    assert not guide.needs_source_images and guide.loss(batch(1), batch(2)).total == before


def test_unknown_words_give_one_warning_that_names_a_guide_which_knows_them() -> None:
    encoders = [FakeEncoder("one", words=["photo"]), FakeEncoder("two", words=["photo", "zebra"])]
    with pytest.warns(UserWarning) as caught:
        Guide(encoders, "photo", "zebra logo")
    assert len(caught) == 1
    assert "one does not know zebra, logo; two does not know logo" in str(caught[0].message)
    assert "ViT-B-32/openai (--clip; in Python, Guide(['ViT-B-32/openai']" in str(caught[0].message)
    assert caught[0].filename == __file__  # not "sys:1", as whoever called the caller
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Guide([FakeEncoder()], "photo", "zebra")


def test_templates_can_be_the_official_ones_or_given() -> None:
    encoder = FakeEncoder()
    encoder.templates = ["{}", "a photo of many {}."]
    for templates, count in (("own", 2), ("official", 1), (["a {}", "the {}", "my {}"], 3)):
        record = Guide([encoder], "photo", "logo", templates=templates).describe()
        assert record["encoders"][0]["templates"] == count


def test_record_is_complete_json() -> None:
    settings = {"target_images": targets(), "views": 2, "augment": "shared"}
    guide = Guide([FakeEncoder()], "photo", " minimal  logo", **settings)
    record = json.loads(json.dumps(guide.describe()))
    assert record["target"] == "minimal logo" and record["target_images"]["count"] == 2
    assert (record["views"], record["augment"], record["encoders"][0]["name"]) == (2, "shared", "fake")
    assert {"text_weight", "image_weight", "projection_weight", "projection_target"} <= set(record)
    assert {"global_weight", "edit_floor"} <= set(record)


@pytest.mark.parametrize(
    "arguments, told",
    [
        ({}, "no target"),
        ({"source": "photo"}, "target prompt is empty"),
        ({"target": "logo"}, "source prompt is empty"),
        ({"source": " ", "target": "logo", "target_images": targets()}, "source prompt is empty"),
        ({"source": "logo", "target": "Logo"}, "no direction"),
        ({"source": "a", "target": "b", "augment": "some"}, "none, shared, independent"),
        ({"source": "a", "target": "b", "views": 2}, "2 views"),
        ({"source": "a", "target": "b", "views": 0, "augment": "shared"}, "0 views"),
        ({"source": "a", "target": "b", "global_weight": -1.0}, "global_weight is -1"),
        ({"source": "a", "target": "b", "projection_target": float("nan")}, "projection_target is nan"),
        ({"source": "a", "target": "b", "edit_floor": 0.0}, "edit_floor is 0"),
        ({"source": "a", "target": "b", "text_weight": 0, "image_weight": 0}, "both 0"),
        ({"source": "a", "target": "b", "templates": "mine"}, "Unknown templates"),
        ({"encoders": [], "source": "a", "target": "b"}, "no guide"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Guide(**{"encoders": [FakeEncoder()], **arguments})


def test_augmentation_without_a_generator_is_refused() -> None:
    with pytest.raises(UsageError, match="torch.Generator"):
        Guide([FakeEncoder()], "photo", "logo", augment="shared").loss(batch(1), batch(2))


def test_guide_loads_encoders_by_spec_with_the_resize_asked_for(guide_folder: Path) -> None:
    spec = f"local-dir:{guide_folder}@0.25"
    guide = Guide([spec], "photo", "logo", filter="bicubic", antialias=True)
    record = guide.describe()["encoders"][0]
    assert (record["weight"], record["filter"], record["antialias"]) == (0.25, "bicubic", True)
    assert record["templates"] == 2
    trainable = batch(2).requires_grad_()
    guide.loss(batch(1), trainable).total.backward()
    assert trainable.grad.abs().sum() > 0
    assert Guide(spec, "photo", "logo").names == ["local-dir:guide"]


def test_a_guide_moves_with_all_its_directions() -> None:
    """torch's device without memory stands for a GPU; a direction that stays behind ends the first step on one."""
    guide = Guide([FakeEncoder()], "photo", "sketch", target_images=targets())
    guide.set_source_images(batch(0))
    assert guide.to("meta") is guide
    kept = (guide._directions, guide._text_directions, guide._target_embeddings, guide._target_means)
    assert all(tensor.is_meta for tensors in kept for tensor in tensors)
