"""The operators against plain loops, and their derivatives, with arguments off their defaults."""

from __future__ import annotations

import math

import pytest
import torch

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
def test_upfirdn2d_is_its_definition(up: int, down: int, pads: tuple[int, ...]) -> None:
    x = torch.randn(2, 3, 5, 7, dtype=torch.float64)
    kernel = torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(ops.upfirdn2d(x, kernel, up, down, pads), upfirdn_loop(x, kernel, up, down, pads))


def test_separable_filter_equals_its_outer_product() -> None:
    x, taps = torch.randn(1, 2, 6, 6, dtype=torch.float64), torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)
    both = [ops.upfirdn2d(x, kernel, 2, 1, 2, gain=3.0) for kernel in (taps, torch.outer(taps, taps))]
    torch.testing.assert_close(*both)


def test_up_and_down_keep_a_constant_picture_in_the_middle() -> None:
    x = torch.full((1, 1, 8, 8), 0.7)
    kernel = ops.setup_filter()
    assert ops.upsample2d(x, kernel).shape == (1, 1, 16, 16)
    assert ops.downsample2d(x, kernel).shape == (1, 1, 4, 4)
    torch.testing.assert_close(ops.upsample2d(x, kernel)[..., 4:-4, 4:-4], torch.full((1, 1, 8, 8), 0.7))
    torch.testing.assert_close(ops.downsample2d(x, kernel)[..., 1:-1, 1:-1], torch.full((1, 1, 2, 2), 0.7))


def test_modulated_conv_is_a_convolution_with_each_samples_own_weights() -> None:
    x, styles = torch.randn(3, 4, 6, 6, dtype=torch.float64), torch.rand(3, 4, dtype=torch.float64) + 0.5
    weight = torch.randn(5, 4, 3, 3, dtype=torch.float64)
    own = weight[None] * styles[:, None, :, None, None]
    own = own / (own.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()
    expected = torch.cat([torch.nn.functional.conv2d(x[i : i + 1], own[i], padding=1) for i in range(3)])
    result = ops.modulated_conv2d(x, weight, styles)
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=1e-6)  # demodulation runs in float32


def test_first_and_second_derivatives() -> None:
    x = torch.randn(2, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2, dtype=torch.float64, requires_grad=True)
    kernel = ops.setup_filter().double()

    def chain(x: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return ops.bias_act(ops.upsample2d(x, kernel), bias, "swish", gain=0.5)

    assert torch.autograd.gradcheck(chain, (x, bias))
    assert torch.autograd.gradgradcheck(chain, (x, bias))


def test_bias_runs_along_the_given_dimension_and_clamp_bounds() -> None:
    x, bias = torch.zeros(2, 3), torch.tensor([1.0, -1.0])
    result = ops.bias_act(x, bias, "lrelu", alpha=0.5, gain=4.0, clamp=3.0, dim=0)
    torch.testing.assert_close(result, torch.tensor([[3.0] * 3, [-2.0] * 3]))
    assert ops.bias_act(torch.ones(1, 1), act="relu").item() == pytest.approx(math.sqrt(2))


def test_empty_batches_pass_through() -> None:
    x = torch.zeros(0, 4, 8, 8)
    assert ops.modulated_conv2d(x, torch.randn(5, 4, 3, 3), torch.zeros(0, 4)).shape == (0, 5, 8, 8)
    assert ops.upsample2d(x, ops.setup_filter()).shape == (0, 4, 16, 16)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.bias_act(torch.zeros(1), act="gelu"),
        lambda: ops.upfirdn2d(torch.zeros(1, 1, 4, 4), None, padding=(1, 2, 3)),
        lambda: ops.modulated_conv2d(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 3, 3), torch.ones(1, 1), up=3),
        lambda: ops.modulated_conv2d(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 3, 3), torch.ones(1, 1), up=2),
    ],
)
def test_impossible_arguments_are_named(call: object) -> None:
    with pytest.raises(UsageError):
        call()
