"""Both bodies of the operators against plain loops and hand-made numbers; the other tests use formulas of torch."""

from __future__ import annotations

import math

import pytest
import torch
from op_formulas import gaussian

from nada import ops
from nada.errors import UsageError


def upfirdn_loop(x: torch.Tensor, kernel: torch.Tensor, up: int, down: int, pads: tuple[int, ...]) -> torch.Tensor:
    """The definition, index by index: sum over taps of a zero-inserted, padded signal."""
    left, right, top, bottom = pads
    n, c, h, w = x.shape
    fh, fw = kernel.shape
    out_h, out_w = (h * up + top + bottom - fh) // down + 1, (w * up + left + right - fw) // down + 1
    y = torch.zeros(n, c, out_h, out_w, dtype=x.dtype)
    for i in range(out_h):
        for j in range(out_w):
            for a in range(fh):
                for b in range(fw):
                    row, column = i * down + a - top, j * down + b - left
                    if row % up or column % up or not 0 <= row // up < h or not 0 <= column // up < w:
                        continue
                    y[:, :, i, j] += x[:, :, row // up, column // up] * kernel[fh - 1 - a, fw - 1 - b]
    return y


@pytest.mark.parametrize(
    "up, down, pads", [(1, 1, (0, 0, 0, 0)), (2, 1, (2, 1, 2, 1)), (1, 2, (1, 2, 0, 3)), (3, 2, (0, 2, -1, 4))]
)
def test_upfirdn2d_is_its_definition(up: int, down: int, pads: tuple[int, ...], body) -> None:
    """Catches a tap, a phase or a border that is off by one, and a filter that is not turned round."""
    x, kernel = gaussian((2, 3, 5, 7), 1).to(body.device), gaussian((3, 4), 2).to(body.device)
    expected = upfirdn_loop(x.cpu(), kernel.cpu(), up, down, pads)
    torch.testing.assert_close(ops.upfirdn2d(x, kernel, up, down, pads).cpu(), expected)
    turned = ops.upfirdn2d(x, kernel.flip(0, 1), up, down, pads, flip_filter=True)
    torch.testing.assert_close(turned.cpu(), expected)


def test_separable_filter_equals_its_outer_product(body) -> None:
    """Catches taps that are applied along one axis only, or a gain that is applied for each."""
    x, taps = gaussian((1, 2, 6, 6), 1).to(body.device), torch.tensor([1.0, 2.0, 5.0], device=body.device).double()
    both = [ops.upfirdn2d(x, kernel, 2, 1, 2, gain=3.0) for kernel in (taps, torch.outer(taps, taps))]
    torch.testing.assert_close(*both)


@pytest.mark.parametrize("separable", [False, True])
def test_up_and_down_keep_a_constant_picture_in_the_middle(separable: bool, body) -> None:
    """Catches a picture that grows darker, brighter or shifted with every resolution."""
    x = torch.full((1, 1, 8, 8), 0.7, device=body.device)
    kernel = ops.setup_filter(separable=separable).to(body.device)
    assert ops.upsample2d(x, kernel).shape == (1, 1, 16, 16)
    assert ops.downsample2d(x, kernel).shape == (1, 1, 4, 4)
    torch.testing.assert_close(ops.upsample2d(x, kernel)[..., 4:-4, 4:-4], torch.full_like(x, 0.7))
    torch.testing.assert_close(ops.downsample2d(x, kernel)[..., 1:-1, 1:-1], x[..., :2, :2])


@pytest.mark.parametrize("noise", [None, (6, 6), (1, 5, 1, 1), (3, 5, 6, 6)])
def test_modulated_conv_is_a_convolution_with_each_samples_own_weights(noise: tuple[int, ...] | None, body) -> None:
    """Catches demodulation over the wrong dimensions, and noise that broadcasts otherwise than an epilogue's."""
    x, styles = gaussian((3, 4, 6, 6), 1).to(body.device), gaussian((3, 4), 2).abs().add(0.5).to(body.device)
    weight = gaussian((5, 4, 3, 3), 3).to(body.device)
    added = None if noise is None else gaussian(noise, 4).to(body.device)
    own = weight[None] * styles[:, None, :, None, None]
    own = own / (own.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()
    expected = torch.cat([torch.nn.functional.conv2d(x[i : i + 1], own[i], padding=1) for i in range(3)])
    for face in (ops.modulated_conv2d, ops.modulated_conv2d_reference):
        result = face(x, weight, styles, added)
        torch.testing.assert_close(result, expected if added is None else expected + added, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("up", [1, 2])
def test_a_prepared_weight_changes_nothing(up: int, dtype: torch.dtype, body) -> None:
    """Catches a kept weight whose demodulation is another than that of the weight itself."""
    weight, styles = (gaussian(shape, 1, torch.float32).to(body.device) for shape in ((5, 4, 3, 3), (2, 4)))
    x, kernel = gaussian((2, 4, 6, 6), 2, dtype).to(body.device), ops.setup_filter(separable=True).to(body.device)
    plain, prepared = (
        ops.styled_conv2d(x, given, styles, up=up, resample_filter=kernel, clamp=2.0)
        for given in (weight, ops.prepare_weight(weight, dtype))
    )
    assert plain.dtype == dtype and torch.equal(plain, prepared)


def test_layers_of_many_maps_fit_into_float16(body) -> None:
    """Catches a convolution whose sums leave float16 before demodulation brings them back."""
    x, styles = 8 * gaussian((1, 512, 3, 3), 1), 4 * gaussian((1, 512), 2).sign()
    weight = 8 * gaussian((2, 512, 3, 3), 3)
    own = weight * styles[0, :, None, None]
    own = own / own.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
    expected = torch.nn.functional.conv2d(x, own, padding=1)
    given = [tensor.to(body.device) for tensor in (x.half(), weight.float(), styles.float())]
    result = ops.modulated_conv2d(*given).double().cpu()
    assert (result - expected).abs().max() < 0.01 * expected.abs().max()


def test_bias_runs_along_the_given_dimension_and_clamp_bounds(body) -> None:
    """Catches a bias along another dimension, and a clamp before the gain."""
    x, bias = torch.zeros(2, 3, device=body.device), torch.tensor([1.0, -1.0], device=body.device)
    result = ops.bias_act(x, bias, "lrelu", alpha=0.5, gain=4.0, clamp=3.0, dim=0)
    torch.testing.assert_close(result.cpu(), torch.tensor([[3.0] * 3, [-2.0] * 3]))
    assert ops.bias_act(torch.ones(1, 1, device=body.device), act="relu").item() == pytest.approx(math.sqrt(2))


def test_a_layer_by_hand(body) -> None:
    """Catches noise that is demodulated, a strength on the bias, a gain before the activation."""
    x = torch.tensor([[[[2.0, -4.0]]]], device=body.device)
    sides = [torch.tensor(values, device=body.device) for values in ([[0.5]], [[1.0, -2.0]], 0.1, [0.3])]
    result = ops.styled_epilogue(x, *sides, alpha=0.5, gain=3.0, clamp=4.0)
    torch.testing.assert_close(result.cpu(), torch.tensor([[[[4.0, -2.85]]]]))  # 3 (1 + 0.1 + 0.3); 1.5 (-2 - 0.2 + 0.3)


def test_a_picture_by_hand(body) -> None:
    """Catches a clamp over the sum of the pictures, and a smaller picture that is not brought up in brightness."""
    x, weight = torch.full((1, 2, 4, 4), 2.0, device=body.device), torch.tensor([[[0.5, 1.0]]], device=body.device)
    skip, taps = torch.full((1, 1, 2, 2), 8.0, device=body.device), torch.tensor([0.5, 0.5], device=body.device)
    result = ops.to_rgb(x, weight, torch.tensor([-1.0], device=body.device), skip, taps, 1.5)
    torch.testing.assert_close(result[..., 1:-1, 1:-1].cpu(), torch.full((1, 1, 2, 2), 9.5))


@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.bias_act(torch.zeros(1), act="gelu"),
        lambda: ops.upfirdn2d(torch.zeros(1, 1, 4, 4), None, padding=(1, 2, 3)),
        lambda: ops.upfirdn2d(torch.zeros(1, 1, 4, 4), None, up=0),
        lambda: ops.filtered_epilogue(torch.zeros(1, 1, 4, 4), torch.ones(2), padding=(1, 2, 3)),
        lambda: ops.modulated_conv2d(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 3, 3), torch.ones(1, 1), up=3),
        lambda: ops.modulated_conv2d(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 3, 3), torch.ones(1, 1), up=2),
    ],
)
def test_impossible_arguments_are_named(call: object, body) -> None:
    """Catches an argument that a body takes for another, or that only one of them refuses."""
    with pytest.raises(UsageError):
        call()
