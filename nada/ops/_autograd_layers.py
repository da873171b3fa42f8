"""Derivatives of the epilogues and of the step to the picture; see `_autograd`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.library import register_autograd

from nada.ops._derivatives import inside, leak


def register() -> None:
    """Make these operators known to autograd."""
    register_autograd("nada::epilogue", _epilogue_backward, setup_context=_save_epilogue)
    register_autograd("nada::epilogue_backward", _epilogue_second, setup_context=_save_epilogue_backward)
    register_autograd("nada::fir_epilogue", _fir_epilogue_backward, setup_context=_save_fir_epilogue)
    register_autograd("nada::fir_epilogue_backward", _fir_epilogue_second, setup_context=_save_fir_epilogue_backward)
    register_autograd("nada::torgb", _torgb_backward, setup_context=_save_torgb)
    register_autograd("nada::torgb_backward", _torgb_second, setup_context=_save_torgb_backward)


def _maps(values: Tensor, like: Tensor) -> Tensor:
    """`(N, C)` numbers as factors of `(N, C, H, W)` maps."""
    return values.to(like.dtype)[:, :, None, None]


def _as_maps(noise: Tensor) -> Tensor:
    """Noise of any shape as `(1 or N, 1, H, W)`."""
    return noise if noise.ndim == 4 else noise.reshape(-1, 1, *noise.shape[-2:])


def _reduced(noise_gradient: Tensor, noise: Tensor) -> Tensor:
    """The gradient `(N, 1, H, W)` in the shape of the noise, which a batch may share."""
    return noise_gradient.sum_to_size(_as_maps(noise).shape).reshape(noise.shape).to(noise.dtype)


def _save_epilogue(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    _, factors, noise, strength, bias, *ctx.rest = inputs
    ctx.save_for_backward(output, factors, noise, strength, bias)


def _epilogue_backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    y, factors, noise, strength, bias = ctx.saved_tensors
    dx, sums = torch.ops.nada.epilogue_backward(dy, y, factors, noise, *ctx.rest)
    dnoise = None
    if noise is not None and ctx.needs_input_grad[2]:
        dnoise = _noise_gradient(dy, y, noise, strength, *ctx.rest)
    needs = ctx.needs_input_grad
    sides = _side_gradients(sums, factors, noise, strength, bias, (needs[1], needs[3], needs[4]))
    return dx, sides[0], dnoise, sides[1], sides[2], None, None, None


def _side_gradients(
    sums: Tensor,
    factors: Tensor | None,
    noise: Tensor | None,
    strength: Tensor | None,
    bias: Tensor | None,
    needed: tuple[bool, bool, bool],
) -> list[Tensor | None]:
    """Gradients of demodulation, noise strength and bias from the three sums of a backward pass.

    The second sum is that of dpre times what was activated, noise and bias included; without their parts it is dpre
    times factors times x.
    """
    plain, activated, noisy = sums.unbind()
    result: list[Tensor | None] = [None, None, None]
    if needed[0]:
        if bias is not None:
            activated = torch.addcmul(activated, bias.to(sums.dtype), plain, value=-1)
        if noise is not None:
            factor = noisy.new_ones(()) if strength is None else strength.to(sums.dtype)
            activated = torch.addcmul(activated, factor, noisy, value=-1)
        result[0] = (activated / factors).to(factors.dtype)
    if needed[1]:
        result[1] = noisy.sum().to(strength.dtype).reshape(strength.shape)
    if needed[2]:
        result[2] = plain.sum(dim=0).to(bias.dtype)
    return result


def _noise_gradient(
    dy: Tensor, y: Tensor, noise: Tensor, strength: Tensor | None, alpha: float, gain: float, clamp: float
) -> Tensor:
    """Wanted by those who optimise noise (projection of a photo), so it need not be fused."""
    exact = torch.promote_types(y.dtype, torch.float32)
    gradient = (dy * leak(y, alpha, gain, clamp, exact)).sum(dim=1, keepdim=True)
    return _reduced(gradient if strength is None else gradient * strength.to(gradient.dtype), noise)


def _save_epilogue_backward(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    dy, y, factors, noise, *ctx.rest = inputs
    ctx.save_for_backward(dy, y, factors, noise)


def _epilogue_second(ctx: Any, gdx: Tensor, gsums: Tensor) -> tuple[Tensor | None, ...]:
    dy, y, factors, noise = ctx.saved_tensors
    ddy, dy_of_y, dfactors, dnoise = _second(gdx, gsums, dy, y, factors, noise, *ctx.rest)
    return ddy, dy_of_y, dfactors, dnoise, None, None, None


def _second(
    gdx: Tensor,
    gsums: Tensor,
    dy: Tensor,
    y: Tensor,
    factors: Tensor | None,
    noise: Tensor | None,
    alpha: float,
    gain: float,
    clamp: float,
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Gradients of `epilogue_backward` by dy, y, factors and noise; `gdx` is that of the demodulated gradient."""
    slope, open_ = leak(y, alpha, gain, clamp), inside(y, clamp)
    plain, activated, noisy = (_maps(part, y) for part in gsums.unbind())
    arriving = plain + (gdx if factors is None else gdx * _maps(factors, y))
    if noise is not None:
        arriving = arriving + noisy * _as_maps(noise).to(y.dtype)
    dfactors = None if factors is None else (gdx * dy * slope).sum(dim=(2, 3)).to(factors.dtype)
    dnoise = None if noise is None else _reduced((noisy * dy * slope).sum(dim=1, keepdim=True), noise)
    return arriving * slope + activated * y * open_, activated * dy * open_, dfactors, dnoise


def _save_fir_epilogue(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, taps, ctx.left, _, ctx.top, _, ctx.flip, ctx.fir_gain, factors, noise, strength, bias, *ctx.rest = inputs
    ctx.size = x.shape[2:]
    ctx.save_for_backward(output, taps, factors, noise, strength, bias)


def _fir_epilogue_backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
    y, taps, factors, noise, strength, bias = ctx.saved_tensors
    fir = (taps, *ctx.size, ctx.left, ctx.top, ctx.flip, ctx.fir_gain)
    dx, sums = torch.ops.nada.fir_epilogue_backward(dy, y, *fir, factors, noise, *ctx.rest)
    needs = ctx.needs_input_grad
    dnoise = _noise_gradient(dy, y, noise, strength, *ctx.rest) if noise is not None and needs[9] else None
    sides = _side_gradients(sums, factors, noise, strength, bias, (needs[8], needs[10], needs[11]))
    return dx, *([None] * 7), sides[0], dnoise, sides[1], sides[2], None, None, None


def _save_fir_epilogue_backward(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    dy, y, taps, _, _, *ctx.fir, factors, noise, alpha, gain, clamp = inputs
    ctx.rest = (alpha, gain, clamp)
    ctx.save_for_backward(dy, y, taps, factors, noise)


def _fir_epilogue_second(ctx: Any, gdx: Tensor, gsums: Tensor) -> tuple[Tensor | None, ...]:
    dy, y, taps, factors, noise = ctx.saved_tensors
    left, top, flip, fir_gain = ctx.fir
    right = y.shape[3] + len(taps) - 1 - gdx.shape[3] - left
    bottom = y.shape[2] + len(taps) - 1 - gdx.shape[2] - top
    filtered = torch.ops.nada.upfirdn2d(gdx, taps, 1, 1, left, right, top, bottom, flip, fir_gain)
    ddy, dy_of_y, dfactors, dnoise = _second(filtered, gsums, dy, y, factors, noise, *ctx.rest)
    return ddy, dy_of_y, *([None] * 7), dfactors, dnoise, None, None, None


def _save_torgb(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, bias, skip, taps, ctx.clamp = inputs
    ctx.save_for_backward(x, weight, bias, taps)
    ctx.skip_dtype = None if skip is None else skip.dtype


def _torgb_backward(ctx: Any, dimage: Tensor) -> tuple[Tensor | None, ...]:
    x, weight, bias, taps = ctx.saved_tensors
    dx, dweight, dbias = torch.ops.nada.torgb_backward(dimage, x, weight, bias, ctx.clamp)
    dskip = None
    if ctx.skip_dtype is not None and ctx.needs_input_grad[3]:
        before = (len(taps) + 1) // 2  # of the upsampling, whose transposed this is
        sides = (len(taps) - 1 - before, before - 1) * 2
        dskip = torch.ops.nada.upfirdn2d(dimage, taps, 1, 2, *sides, True, 4.0).to(ctx.skip_dtype)
    dbias = dbias.sum(dim=0).to(bias.dtype) if ctx.needs_input_grad[2] else None
    return dx, dweight.to(weight.dtype), dbias, dskip, None, None


def _save_torgb_backward(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    *tensors, ctx.clamp = inputs
    ctx.save_for_backward(*tensors)


def _torgb_second(ctx: Any, gdx: Tensor, gdweight: Tensor, gdbias: Tensor) -> tuple[Tensor | None, ...]:
    dimage, x, weight, bias = ctx.saved_tensors
    exact = torch.promote_types(x.dtype, torch.float32)
    maps, weight_, gdx = x.to(exact), weight.to(exact), gdx.to(exact)
    open_ = torch.ones_like(dimage)
    if ctx.clamp >= 0:
        with torch.no_grad():
            image = torch.einsum("noc,nchw->nohw", weight_, maps)
            open_ = inside(image if bias is None else image + bias.to(exact)[:, None, None], ctx.clamp).to(dimage.dtype)
    dr = torch.einsum("noc,nchw->nohw", weight_, gdx) + torch.einsum("noc,nchw->nohw", gdweight, maps)
    dr = dr + gdbias[:, :, None, None]
    r = dimage * open_
    dx = torch.einsum("noc,nohw->nchw", gdweight, r).to(x.dtype)
    dweight = torch.einsum("nohw,nchw->noc", r, gdx).to(weight.dtype)
    return (dr * open_).to(dimage.dtype), dx, dweight, None, None
