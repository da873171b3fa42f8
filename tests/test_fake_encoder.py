"""The stand-in for CLIP that other tests lean on behaves as an encoder must."""

from __future__ import annotations

import torch
from fake_encoder import FakeEncoder


def test_embeddings_are_unit_repeatable_and_tell_inputs_apart() -> None:
    images = torch.rand(4, 3, 20, 20, generator=torch.Generator().manual_seed(0)) * 2 - 1
    encoder, other = FakeEncoder(), FakeEncoder("other")
    for embed, inputs in ((encoder.encode_image, images), (encoder.encode_text, ["a", "b", "c d", "e"])):
        rows = embed(inputs)
        torch.testing.assert_close(rows.norm(dim=1), torch.ones(4))
        assert rows.equal(embed(inputs))
        assert not rows[0].allclose(rows[1], atol=1e-2)
    assert not other.encode_image(images).allclose(encoder.encode_image(images), atol=1e-2)


def test_gradient_reaches_every_pixel_and_no_parameter() -> None:
    encoder, images = FakeEncoder(), torch.zeros(2, 3, 8, 8, requires_grad=True)
    encoder.encode_image(images)[:, 0].sum().backward()
    assert (images.grad != 0).all()
    assert all(parameter.grad is None for parameter in encoder.parameters)


def test_unknown_words_are_those_outside_the_list() -> None:
    assert FakeEncoder(words=["photo"]).unknown_words("photo logo") == ["logo"]
    assert FakeEncoder().unknown_words("photo logo") == []
