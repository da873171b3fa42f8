"""The CUDA kernels themselves, run on the CPU by an emulator: against plain formulas in float64."""

from __future__ import annotations

import itertools

import op_formulas as formulas
import pytest
import torch
from emulated_library import build
from op_formulas import gaussian, tolerance

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
# (n, c, h, w): whole vectors in either layout; channels and rows that are no multiple of any; one of everything; more than
# one block of channels or of pixels.
SIZES = ((2, 16, 8, 8), (2, 5, 7, 9), (1, 1, 1, 1), (3, 1, 5, 4), (1, 72, 3, 2), (1, 2, 90, 92))
CASES = list(itertools.product(DTYPES, (False, True), SIZES))


@pytest.fixture(scope="module")
def ops(tmp_path_factory):
    torch.ops.load_library(str(build(tmp_path_factory.mktemp("emulated"))))
    return torch.ops.nada_emulated


def check(actual, expected, dtype, sums: int = 0):
    """`sums`: how many products each number is the sum of, whose rounding adds up in float32."""
    limits = tolerance(dtype)
    if sums and dtype != torch.float64:
        limits = {"rtol": 1e-5, "atol": 2e-6 * (1 + sums)}
    torch.testing.assert_close(actual.double(), expected, **limits)


def side(dtype):
    """The type that the small tensors have beside `dtype`."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def epilogue_sides(shape, dtype, noise_n):
    n, c, h, w = shape
    return (
        gaussian((n, c), 3).to(side(dtype)),
        gaussian((noise_n, 1, h, w), 4).to(side(dtype)),
        torch.tensor([0.3], dtype=side(dtype)),
        gaussian((c,), 5).to(side(dtype)),
    )


def doubles(*tensors):
    return [None if tensor is None else tensor.double() for tensor in tensors]


@pytest.mark.parametrize("dtype, last, shape", CASES)
def test_epilogue(ops, dtype, last, shape):
    x, dy = gaussian(shape, 1, dtype, last), gaussian(shape, 2, dtype, last)
    for noise_n, clamp in ((1, 0.875), (shape[0], -1.0)):  # a clamp that every type can hold
        sides = epilogue_sides(shape, dtype, noise_n)
        y = ops.epilogue(x, *sides, 0.2, 1.4, clamp)
        assert y.dtype == dtype and (shape[1] == 1 or y.stride() == x.stride())
        check(y, formulas.epilogue(x.double(), *doubles(*sides), 0.2, 1.4, clamp), dtype)
        dx, sums = ops.epilogue_backward(dy, y, sides[0], sides[1], 0.2, 1.4, clamp)
        gradient, kept, factors, noise = doubles(dy, y, *sides[:2])
        check(dx, formulas.epilogue_dx(gradient, kept, factors, 0.2, 1.4, clamp), dtype)
        check(sums, formulas.epilogue_sums(gradient, kept, noise, 0.2, 1.4, clamp), dtype, shape[2] * shape[3])


@pytest.mark.parametrize("last", (False, True))
def test_epilogue_without_options(ops, last):
    x, dy = gaussian((2, 6, 4, 4), 1, channels_last=last), gaussian((2, 6, 4, 4), 2, channels_last=last)
    y = ops.epilogue(x, None, None, None, None, 0.2, 1.0, -1.0)
    check(y, formulas.epilogue(x, None, None, None, None, 0.2, 1.0, -1.0), x.dtype)
    dx, sums = ops.epilogue_backward(dy, y, None, None, 0.2, 1.0, -1.0)
    check(dx, formulas.epilogue_dx(dy, y, None, 0.2, 1.0, -1.0), x.dtype)
    check(sums, formulas.epilogue_sums(dy, y, None, 0.2, 1.0, -1.0), x.dtype)
    noise = gaussian((1, 1, 4, 4), 3)
    y = ops.epilogue(x, None, noise, None, None, 0.2, 1.0, -1.0)
    check(y, formulas.epilogue(x, None, noise, None, None, 0.2, 1.0, -1.0), x.dtype)


# Taps and pads (left, right, top, bottom): StyleGAN2's; none; cropping; pads larger than the filter; other filters.
FIRS = (
    ((1.0, 3.0, 2.0, 1.5), (1, 1, 1, 1)),
    ((1.0, 3.0, 2.0, 1.5), (-1, 5, 6, -1)),
    ((1.0, 2.0, 0.5), (2, 1, 0, 3)),
    (tuple(0.1 * k for k in range(1, 13)), (6, 7, 7, 5)),
    ((2.0,), (0, -1, -1, 0)),
)
FIR_SIZES = ((2, 16, 9, 9), (1, 3, 70, 5), (1, 1, 3, 300), (2, 72, 3, 40))


def fir_result(shape, taps, pads):
    return (*shape[:2], shape[2] + pads[2] + pads[3] - len(taps) + 1, shape[3] + pads[0] + pads[1] - len(taps) + 1)


def fir_formula(x, taps, pads, flip, gain):
    return formulas.upfirdn(x, taps, 1, 1, pads, flip, gain)


@pytest.mark.parametrize("last", (False, True))
@pytest.mark.parametrize("fir", FIRS, ids=lambda fir: str(len(fir[0])))
@pytest.mark.parametrize("dtype", DTYPES)
def test_fir_epilogue(ops, dtype, fir, last):
    for shape, flip in zip(FIR_SIZES, (False, True, False, True)):
        taps, pads = torch.tensor(fir[0], dtype=side(dtype)) / sum(fir[0]), fir[1]
        out = fir_result(shape, fir[0], pads)
        if min(out) < 1:
            continue
        x, dy = gaussian(shape, 1, dtype, last), gaussian(out, 2, dtype, last)
        sides = epilogue_sides(out, dtype, out[0])
        y = ops.fir_epilogue(x, taps, *pads, flip, 4.0, *sides, 0.2, 1.4, 1.5)
        filtered = fir_formula(x.double(), taps.double(), pads, flip, 4.0)
        check(y, formulas.epilogue(filtered, *doubles(*sides), 0.2, 1.4, 1.5), dtype)
        where = (*shape[2:], pads[0], pads[2], flip, 4.0)
        dx, sums = ops.fir_epilogue_backward(dy, y, taps, *where, sides[0], sides[1], 0.2, 1.4, 1.5)
        gradient, kept, factors, noise = doubles(dy, y, *sides[:2])
        source = x.double().requires_grad_()
        pre = formulas.epilogue_dx(gradient, kept, factors, 0.2, 1.4, 1.5)
        (expected,) = torch.autograd.grad(fir_formula(source, taps.double(), pads, flip, 4.0), source, pre)
        check(dx, expected, dtype)
        check(sums, formulas.epilogue_sums(gradient, kept, noise, 0.2, 1.4, 1.5), dtype, out[2] * out[3] / 4)


@pytest.mark.parametrize("last", (False, True))
def test_sums_are_the_same_bits_every_time(ops, last):
    y, dy = (gaussian((2, 9, 33, 35), seed, torch.float32, last) for seed in (1, 2))
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    first, second = (
        ops.fir_epilogue_backward(dy, y, taps, 34, 36, 1, 1, False, 4.0, None, None, 0.2, 1.0, -1.0)[1] for _ in "ab"
    )
    assert torch.equal(first, second)


# (up, down, pads, flip): what StyleGAN2 uses, then anything.
WAYS = (
    (2, 1, (2, 1, 2, 1), False),
    (1, 2, (1, 1, 1, 1), True),
    (1, 1, (2, 1, 1, 2), False),
    (3, 2, (4, 0, -1, 7), True),
    (2, 3, (-2, 5, 3, 3), False),
)


@pytest.mark.parametrize("last", (False, True))
@pytest.mark.parametrize("up, down, pads, flip", WAYS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_upfirdn(ops, dtype, up, down, pads, flip, last):
    for shape, filter_shape in (
        ((2, 16, 6, 10), (4,)),
        ((1, 3, 9, 7), (4,)),
        ((2, 9, 8, 8), (3, 5)),
        ((1, 1, 12, 12), (7,)),
    ):
        x, filter = gaussian(shape, 1, dtype, last), (gaussian(filter_shape, 2) / 4).to(side(dtype))
        y = ops.upfirdn2d(x, filter, up, down, *pads, flip, 1.5)
        check(y, formulas.upfirdn(x.double(), filter.double(), up, down, pads, flip, 1.5), dtype)


@pytest.mark.parametrize("act", range(len(formulas.ACTIVATIONS)))
@pytest.mark.parametrize("dtype", DTYPES)
def test_bias_act(ops, dtype, act):
    for shape, dim, last in (((2, 16, 4, 4), 1, False), ((2, 9, 3, 5), 1, True), ((3, 40), 1, False), ((2, 3, 7), 0, False)):
        x, bias = gaussian(shape, 1, dtype, last), gaussian((shape[dim],), 2).to(side(dtype))
        dy = gaussian(shape, 3, dtype, last)
        for b, clamp in ((bias, 0.8), (None, -1.0)):
            y = ops.bias_act(x, b, dim, act, 0.2, 1.5, clamp)
            source, shift = x.double().requires_grad_(), None if b is None else b.double()
            expected = formulas.bias_act(source, shift, dim, act, 0.2, 1.5, clamp)
            check(y, expected.detach(), dtype)
            if dtype in (torch.float16, torch.bfloat16):
                continue  # a rounded result decides which side of the clamp it is; the two wide types show the formula
            reference = x if act == len(formulas.ACTIVATIONS) - 1 else y
            dx, dbias = ops.bias_act_backward(dy, reference, b, dim, act, 0.2, 1.5, clamp)
            (gradient,) = torch.autograd.grad(expected, source, dy.double())
            check(dx, gradient, dtype, 1)
            check(dbias, gradient.sum([i for i in range(x.ndim) if i != dim]), dtype, gradient.numel() / shape[dim])


@pytest.mark.parametrize("dtype, last", list(itertools.product(DTYPES, (False, True))))
def test_torgb(ops, dtype, last):
    for n, c, h, w, o in (
        (2, 16, 8, 8, 3),
        (1, 5, 6, 10, 4),
        (3, 1, 2, 2, 1),
        (1, 300, 2, 4, 3),
        (2, 9, 3, 5, 2),
        (1, 16, 12, 28, 3),
    ):
        x, weight = gaussian((n, c, h, w), 1, dtype, last), (gaussian((n, o, c), 2) / c**0.5).to(side(dtype))
        bias, taps = gaussian((o,), 3).to(side(dtype)), torch.tensor([1.0, 3.0, 2.0, 1.0], dtype=side(dtype)) / 7
        skip = gaussian((n, o, h // 2, w // 2), 4).to(side(dtype)) if h % 2 == w % 2 == 0 else None
        gradient = gaussian((n, o, h, w), 5).to(side(dtype))
        for b, s, clamp in ((bias, skip, 1.0), (None, None, -1.0)):
            given, values = x.double().requires_grad_(), weight.double().requires_grad_()
            shift = torch.zeros(n, o, 1, 1, dtype=torch.float64).requires_grad_()
            shifted = torch.cat([given, torch.ones_like(given[:, :1])], 1)
            both = torch.cat([values, shift[:, :, :, 0] + (0.0 if b is None else b.double()[None, :, None])], 2)
            expected = formulas.torgb(shifted, both, None, None if s is None else s.double(), taps.double(), clamp)
            image = ops.torgb(x, weight, b, s, taps, clamp)
            check(image, expected.detach(), side(dtype), c)
            gradients = torch.autograd.grad(expected, (given, values, shift), gradient.double())
            dx, dweight, dbias = ops.torgb_backward(gradient, x, weight, b, clamp)
            check(dx, gradients[0], dtype)
            check(dweight, gradients[1], side(dtype), h * w)
            check(dbias, gradients[2][:, :, 0, 0], side(dtype), h * w)


@pytest.mark.parametrize("last", (False, True))
def test_nothing_in_a_batch(ops, last):
    x = gaussian((2, 4, 6, 6), 1, channels_last=last)[:0]
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype)
    assert ops.epilogue(x, None, None, None, None, 0.2, 1.0, -1.0).shape == x.shape
    assert ops.fir_epilogue(x, taps, 1, 1, 1, 1, False, 1.0, None, None, None, None, 0.2, 1.0, -1.0).shape == (0, 4, 5, 5)
    assert ops.upfirdn2d(x, taps, 2, 1, 2, 1, 2, 1, False, 4.0).shape == (0, 4, 12, 12)
    assert ops.torgb(x, taps.new_zeros(0, 3, 4), None, None, taps, -1.0).shape == (0, 3, 6, 6)
    dx, sums = ops.epilogue_backward(x, x, None, None, 0.2, 1.0, -1.0)
    assert dx.shape == x.shape and sums.shape == (3, 0, 4)
