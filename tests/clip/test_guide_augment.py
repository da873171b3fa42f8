"""Random views: reproducible, differentiable, and what the guide's three modes make of them."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from nada.clip.augment import apply_view, draw_view


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 3, size: int = 12) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=rng(5)) * 2 - 1


def test_a_seed_gives_a_view_and_another_seed_another() -> None:
    images = pictures()
    one, same, other = (apply_view(images, draw_view(images.shape, rng(seed))) for seed in (1, 1, 2))
    assert one.equal(same) and not one.equal(other)


def test_a_view_continues_where_the_generator_was_left() -> None:
    """An interrupted run continues with the views that the unbroken one saw."""
    images, first, second = pictures(), rng(), rng()
    draw_view(images.shape, first)
    second.set_state(first.get_state())
    assert draw_view(images.shape, first).grain.equal(draw_view(images.shape, second).grain)


def test_every_picture_gets_its_own_view_and_no_global_randomness_is_used() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    view = draw_view(pictures().shape, rng())
    assert torch.get_rng_state().equal(before)
    for drawn in view:
        assert not drawn[0].equal(drawn[1])


def test_crop_stays_inside_the_picture_and_close_to_whole() -> None:
    """A crop that leaves the picture would show the guide smeared borders."""
    crop = draw_view((200, 3, 4, 4), rng()).crop
    zoom, shift = crop[:, 0], crop[:, 1:]
    assert zoom.min() >= 0.9 and zoom.max() <= 1.0
    assert (shift.abs() <= 1 - zoom[:, None] + 1e-6).all() and shift.abs().max() > 0.05


def test_a_view_is_placed_as_its_affine_map_says_without_a_product_of_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that adapts may round the factors of such products to 10 bits, which moves a picture by a tenth of a pixel."""
    images = torch.rand(2, 3, 10, 14, generator=rng(5), dtype=torch.float64)
    view = draw_view(images.shape, rng(), dtype=images.dtype)
    zoom, right, down = view.crop.unbind(dim=1)
    none = torch.zeros_like(zoom)
    matrices = torch.stack([zoom, none, right, none, zoom, down], dim=1).view(2, 2, 3)
    grid = functional.affine_grid(matrices, list(images.shape), align_corners=False)
    wanted = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    for place, name in ((functional, "affine_grid"), (torch, "bmm"), (torch, "matmul"), (torch, "einsum")):
        monkeypatch.delattr(place, name)
    torch.testing.assert_close(apply_view(images, view), wanted + view.light + view.grain, rtol=0, atol=1e-12)


def test_gradients_pass_through_a_view_to_every_pixel() -> None:
    images = pictures().requires_grad_()
    apply_view(images, draw_view(images.shape, rng())).square().sum().backward()
    assert torch.isfinite(images.grad).all() and (images.grad[:, :, 2:-2, 2:-2] != 0).all()


def test_light_and_grain_are_added_to_the_cropped_picture() -> None:
    images = pictures()
    view = draw_view(images.shape, rng())
    whole = torch.tensor([1.0, 0.0, 0.0]).expand(3, 3)  # the crop that leaves a picture as it is
    seen = apply_view(images, view._replace(crop=whole))
    torch.testing.assert_close(seen, images + view.light + view.grain)
    assert view.light.std() > 0.05 and 0.01 < view.grain.std() < 0.1


def test_the_dtype_of_the_pictures_is_kept() -> None:
    images = pictures().double()
    assert apply_view(images, draw_view(images.shape, rng(), dtype=images.dtype)).dtype is torch.float64
